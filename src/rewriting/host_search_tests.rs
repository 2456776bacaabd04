//! The search for hosts: every spelling is found, and what is none is not.

use super::*;

fn search(hosts: &[&str]) -> HostSearch {
    HostSearch::new(&hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>())
}

fn found(search: &HostSearch, text: &str) -> Vec<String> {
    search.all(text.as_bytes()).iter().map(|f| text[f.start..f.end].to_owned()).collect()
}

#[test]
fn a_host_is_found_in_every_spelling() {
    for hosts in [&["shop.acme-prod.test"][..], &["shop.acme-prod.test", "other.example", "пример.test"][..]] {
        let search = search(hosts);
        for spelled in [
            "shop.acme-prod.test",
            "SHOP.Acme-Prod.TEST",
            "shop\\.acme-prod\\.test",
            "shop\\\\.acme\\-prod\\\\.test",
            "shop.acme\\u002dprod.test",
            "shop%2Eacme-prod%2Etest",
            "shop&#46;acme-prod&period;test",
            "%73hop.acme-prod.test",
            "%73%68%6f%70%2e%61%63%6d%65%2d%70%72%6f%64%2e%74%65%73%74",
            "&#115;&#104;&#111;&#112;.&#97;&#99;&#109;&#101;-&#112;&#114;&#111;&#100;.&#116;&#101;&#115;&#116;",
            "\\x73\\x68\\x6f\\x70.acme-\\x70rod.test",
            "\\u0073hop.\\u0061cme-prod.test",
        ] {
            assert_eq!(found(&search, &format!("x {spelled} y")), [spelled], "{spelled}");
            assert!(search.is_in(spelled.as_bytes()) && search.is_in(spelled.replace('\\', "\\\\").as_bytes()));
        }
        for other in ["shop.acme-prod.tes", "acme-prod.test", "shop acme-prod.test", "prod", "shop.acme--prod.test"] {
            assert!(!search.is_in(other.as_bytes()), "{other}");
        }
    }
}

#[test]
fn a_host_of_other_letters_is_found_in_both_forms() {
    let spellings = [
        "xn--mnchen-3ya.example",
        "XN--MNCHEN-3YA.example",
        "xn\\u002d\\u002dmnchen-3ya.example",
        "münchen.example",
        "MÜNCHEN.example",
        "m\\u00fcnchen.example",
        "m%C3%BCnchen.example",
        "m%25C3%25BCnchen.example",
        "m&uuml;nchen.example",
        "m&#252;nchen.example",
    ];
    for spelled in spellings {
        assert_eq!(found(&search(&["xn--mnchen-3ya.example"]), spelled), [spelled]);
    }
    let cyrillic = search(&["xn--e1afmkfd.xn--p1ai"]);
    for spelled in [
        "пример.рф",
        "ПРИМЕР.РФ",
        "xn--e1afmkfd.xn--p1ai",
        "%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.%D1%80%D1%84",
        "\\u043f\\u0440\\u0438\\u043c\\u0435\\u0440.\\u0440\\u0444",
        "&#1087;&#1088;&#1080;&#1084;&#1077;&#1088;.&#1088;&#1092;",
    ] {
        assert_eq!(found(&cyrillic, spelled), [spelled]);
    }
}
