//! The front page as HTML.

use super::site::{Contents, Shop, Site};

const STYLE: &str = "\
    :root{color-scheme:light dark;--ink:#1d2330;--soft:#667085;--line:#e4e7ec;--card:#fff;--ground:#f6f7f9;--mark:#7c3aed}\
    @media(prefers-color-scheme:dark){:root{--ink:#e6e8ee;--soft:#98a2b3;--line:#2b3140;--card:#1a1f2b;--ground:#12151d;--mark:#a78bfa}}\
    *{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
    .type{background:var(--mark);color:#fff;text-align:center;padding:.4rem;font-weight:600;letter-spacing:.04em}\
    main{max-width:46rem;margin:3rem auto;padding:0 1.25rem}h1{font-size:2rem;margin:0 0 .25rem}\
    .soft{color:var(--soft);margin:0}.facts{display:grid;grid-template-columns:repeat(3,1fr);gap:1rem;margin:2rem 0}\
    .fact,dl{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem}\
    .fact b{display:block;font-size:1.75rem;font-variant-numeric:tabular-nums}.fact span,dt{color:var(--soft);font-size:.875rem}\
    dl{margin:0;display:grid;grid-template-columns:auto 1fr;gap:.5rem 1.5rem}dd{margin:0;overflow-wrap:anywhere}\
    a{color:var(--mark)}footer{margin-top:2rem;color:var(--soft);font-size:.8125rem}";

pub(super) fn render(site: &Site) -> String {
    let banner = match site.environment_type.as_str() {
        "" | "production" => String::new(),
        other => format!("<div class=\"type\" id=\"environment-type\">{}</div>", escaped(&other.to_uppercase())),
    };
    let (title, body) = match &site.contents {
        Contents::Shop(shop) => (shop.title.clone(), shop_body(shop)),
        Contents::Other { tables } => {
            (site.service.clone(), format!("<h1>{}</h1>{}", escaped(&site.service), facts(&[("tables", *tables)])))
        }
    };
    let footer = format!("{} in {}", escaped(&site.service), escaped(&site.railway_environment));
    document(&title, &format!("{banner}<main>{body}<footer>{footer}</footer></main>"))
}

fn shop_body(shop: &Shop) -> String {
    let counts = [("customers", shop.customers), ("orders", shop.orders), ("posts", shop.posts)];
    let link = escaped(&shop.latest_link);
    let rows = [
        ("siteurl", escaped(&shop.siteurl)),
        ("home", escaped(&shop.home)),
        ("latest post", escaped(&shop.latest_post)),
        ("a link in it", format!("<a href=\"{link}\">{link}</a>")),
        ("latest order by", escaped(&shop.latest_customer)),
    ];
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd id=\"{}\">{value}</dd>", name.replace(' ', "-")))
        .collect();
    format!(
        "<h1 id=\"title\">{}</h1><p class=\"soft\">Good things for the long way home</p>{}<dl>{rows}</dl>",
        escaped(&shop.title),
        facts(&counts)
    )
}

fn facts(facts: &[(&str, i64)]) -> String {
    let cards = facts
        .iter()
        .map(|(name, count)| format!("<div class=\"fact\"><b id=\"{name}\">{count}</b><span>{name}</span></div>"));
    format!("<div class=\"facts\">{}</div>", cards.collect::<String>())
}

pub(super) fn problem(why: &str) -> String {
    document("Unavailable", &format!("<main><h1>Not available</h1><p class=\"soft\">{}</p></main>", escaped(why)))
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{}</title><style>{STYLE}</style><body>{body}</body></html>",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
