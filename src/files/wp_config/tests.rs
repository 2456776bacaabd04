use super::*;
use crate::rewriting::UrlPair;

const PASSWORD: &str = "canary-password";

fn done(config: &str) -> Rewritten {
    let pair = |old, new| UrlPair::parse(old, new).unwrap();
    let urls = Rewriter::new(&[
        pair("https://shop.example.com", "https://copy.example.net"),
        pair("https://blog.example.com/all", "https://copy.example.net/blog"),
    ]);
    let [name, user, password, host] = ["new name", "n'e\"w", "p$a\\ss{$x}?>", "copy.internal:3307"].map(str::to_owned);
    let values = WpConfigValues {
        db: Some(&DbValues { name, user, password, host }),
        urls: &urls,
        salt: &|name| format!("fresh '{name}'"),
        old_database_hosts: &["db.example.com:3306".to_owned(), "10.0.0.5".to_owned()],
        old_passwords: &[PASSWORD.to_owned(), "pw".to_owned()],
        is_live: &|text| text.contains("sk_live_"),
    };
    rewrite(config.as_bytes(), &values)
}

/// What a line of code becomes.
fn line(code: &str) -> String {
    let made = done(&format!("<?php\n{code}\n"));
    assert_eq!(made.standing, [], "{code}");
    String::from_utf8(made.bytes).unwrap()["<?php\n".len()..].trim_end().to_owned()
}

fn standing(code: &str) -> Vec<String> {
    done(&format!("<?php\n{code}\n")).standing.iter().map(ToString::to_string).collect()
}

#[test]
fn each_way_to_define_is_found_and_keeps_its_form() {
    for (code, new) in [
        ("define('DB_NAME', 'old');", "define('DB_NAME', 'new name');"),
        ("DEFINE ( \"DB_NAME\" ,\n\"old\" ) ;", "DEFINE ( \"DB_NAME\" ,\n\"new name\" ) ;"),
        ("\\define('DB_USER', 'old', true);", r#"\define('DB_USER', 'n\'e"w', true);"#),
        ("define('DB_USER', \"old\");", r#"define('DB_USER', "n'e\"w");"#),
        ("define('DB_PASSWORD', \"o$\");", r#"define('DB_PASSWORD', "p\$a\\ss{\$x}?>");"#),
        (
            "define/*a*/('DB_NAME'/*,*/, /*'x',*/ 'old' # 'y'\n);",
            "define/*a*/('DB_NAME'/*,*/, /*'x',*/ 'new name' # 'y'\n);",
        ),
        ("const DB_NAME = 'a', DB_USER='b';", r#"const DB_NAME = 'new name', DB_USER='n\'e"w';"#),
        ("defined('DB_NAME') or define('DB_NAME', ('old'));", "defined('DB_NAME') or define('DB_NAME', ('new name'));"),
        (
            "if (!defined('DB_NAME')) { define('DB_NAME', 'o' . \"ld\"); }",
            "if (!defined('DB_NAME')) { define('DB_NAME', 'new name'); }",
        ),
        ("define('DB_NAME', <<<'A'\n  old\n  A);", "define('DB_NAME', 'new name');"),
        ("define('DB_PASSWORD', null);", r"define('DB_PASSWORD', 'p$a\\ss{$x}?>');"),
        ("define(value: 'old', constant_name: 'DB_NAME');", "define(value: 'new name', constant_name: 'DB_NAME');"),
        (
            "define('DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'wordpress'));",
            "define('DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'new name'));",
        ),
        ("define('DB_NAME', getenv('X') ?: 'wordpress');", "define('DB_NAME', getenv('X') ?: 'new name');"),
        ("define('DB_NAME', $_ENV['X'] ?? 'wordpress');", "define('DB_NAME', $_ENV['X'] ?? 'new name');"),
        (
            "define('AUTH_KEY', 'x'); define('NONCE_SALT', \"y\");",
            r#"define('AUTH_KEY', 'fresh \'AUTH_KEY\''); define('NONCE_SALT', "fresh 'NONCE_SALT'");"#,
        ),
    ] {
        assert_eq!(line(code), new);
        assert!(!done(&format!("<?php {code}")).replaced.is_empty());
    }
}

#[test]
fn what_is_no_code_or_nobodys_constant_stays() {
    for code in [
        "$table_prefix = 'wp_';",
        "// define('DB_NAME', 'old');",
        "# define('DB_NAME', 'old');",
        "/* define('DB_NAME', 'old'); */",
        "$a = \"define('DB_NAME', 'old');\"; $b = 'define(\"DB_NAME\", \"old\")';",
        "$a = <<<A\ndefine('DB_NAME', 'old');\n  Ab\nA;",
        "$a = \"{$b[\"define('DB_NAME', 'old')\"]}\";",
        "$x->define('DB_NAME', 'old'); X::define('DB_NAME', 'old'); Foo\\define('DB_NAME', 'old');",
        "function define2() {} my_define('DB_NAME', 'old');",
        "define('DB_NAME', getenv('WORDPRESS_DB_NAME'));",
        "define('DB_NAME', \"$name\");",
        "define('DB_NAME', getenv_docker('old', getenv('X')));",
        "define('DB_NAME', strrev('old'));",
        "define('DB_CHARSET', 'utf8mb4'); define('WP_DEBUG', false);",
        "?>define('DB_NAME', 'old');<?php // ?>define('DB_NAME', 'old');",
        "__halt_compiler(); define('DB_NAME', 'old');",
        "define('COOKIE_DOMAIN', ''); define('COOKIE_DOMAIN', false); define('PATH_CURRENT_SITE', '/');",
    ] {
        assert_eq!(line(code), code);
    }
    assert_eq!(done("define('DB_NAME', 'old');").replaced, Vec::<String>::new());
}

#[test]
fn addresses_become_the_copys() {
    for (code, new) in [
        ("define('WP_HOME', 'https://shop.example.com');", "define('WP_HOME', 'https://copy.example.net');"),
        (
            "define('WP_SITEURL', \"http://shop.example.com/wp\");",
            "define('WP_SITEURL', \"https://copy.example.net/wp\");",
        ),
        ("define('DOMAIN_CURRENT_SITE', 'shop.example.com');", "define('DOMAIN_CURRENT_SITE', 'copy.example.net');"),
        (
            "define('PATH_CURRENT_SITE', '/all/'); define('DOMAIN_CURRENT_SITE', 'blog.example.com');",
            "define('PATH_CURRENT_SITE', '/blog/'); define('DOMAIN_CURRENT_SITE', 'copy.example.net');",
        ),
        ("define('COOKIE_DOMAIN', '.shop.example.com');", "define('COOKIE_DOMAIN', 'copy.example.net');"),
        ("define('COOKIE_DOMAIN', '.example.com');", "define('COOKIE_DOMAIN', '');"),
        (
            "define('NOBLOGREDIRECT', 'https://shop.example.com/x');",
            "define('NOBLOGREDIRECT', 'https://copy.example.net/x');",
        ),
        ("define('WP_CACHE_KEY_SALT', 'shop.example.com');", "define('WP_CACHE_KEY_SALT', 'copy.example.net');"),
    ] {
        assert_eq!(line(code), new);
    }
}

#[test]
fn what_is_computed_and_names_production_stands_with_line_and_name_and_without_its_value() {
    for (code, told) in [
        ("define('STRIPE', 'sk_live_1');", "line 2: `STRIPE` holds a live key"),
        ("\r\n\r\n$key = \"sk_live_$x\";", "line 4: the code holds a live key"),
        ("define('WP_HOME', 'https://' . 'shop.' . 'example.com' . $x);", "line 2: `WP_HOME` names production's host"),
        ("if ($_SERVER['HTTP_HOST'] === 'shop.example.com') {}", "line 2: the code names production's host"),
        ("$h = <<<A\n\nhttps://shop.example.com\nA;", "line 2: the code names production's host"),
        ("$a = ['host' => 'db.example.com:3306'];", "line 2: the code names a database of production's"),
        ("define('DB_HOST', $x . 'DB.example.com:3306');", "line 2: `DB_HOST` names a database of production's"),
        ("define('REDIS', 'tcp://10.0.0.5:1');", "line 2: `REDIS` names a database of production's"),
        ("define('DB_PASSWORD', trim('canary-password '));", "line 2: `DB_PASSWORD` holds a password of production's"),
        ("$p = 'pw';", "line 2: the code holds a password of production's"),
        ("$p = `mysql -pcanary-password`;", "line 2: the code holds a password of production's"),
        ("define(\"A\\nB\", 'sk_live_1');", "line 2: the code holds a live key"),
        ("define('X' . Y, 'sk_live_1');", "line 2: the code holds a live key"),
    ] {
        assert_eq!(standing(code), [told], "{code}");
        assert!(!told.contains(PASSWORD));
    }
    for code in
        ["$mail = 'info@shop.example.com';", "$a = 'mydb.example.com:3306';", "$a = '10.0.0.55';", "$p = 'a pw';"]
    {
        assert_eq!(standing(code), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn what_has_no_end_is_not_touched_and_told() {
    for code in [
        "define('DB_NAME', 'old);",
        "define('DB_NAME', 'old'); /* ",
        "define('DB_NAME', 'old'); $a = \"{$b",
        "define('DB_NAME', 'old'); $a = <<<A\n b",
        "define('DB_NAME', 'old'); `",
    ] {
        let config = format!("<?php\n{code}");
        let made = done(&config);
        assert_eq!((made.bytes, made.replaced), (config.into_bytes(), Vec::new()));
        assert_eq!(made.standing.iter().map(|s| s.what).collect::<Vec<_>>(), [What::Unreadable], "{code}");
    }
    let deep = format!("<?php {}", "\"{$a[".repeat(100_000));
    assert_eq!(done(&deep).standing[0].what, What::Unreadable);
    let nested = format!("<?php {}", "define('DB_NAME', ".repeat(20_000));
    assert_eq!(done(&nested).standing, []);
}

#[test]
fn a_comment_loses_a_secret_and_lines_stay() {
    let config = "<?php\n// DB: canary-password\n/*\n sk_live_1\n*/ # sk_live_2 ?>text\n<?php // shop.example.com\n";
    let made = done(config);
    let new = "<?php\n// left out of the copy\n/* left out of the copy\n\n */ // left out of the copy?>text\n<?php // shop.example.com\n";
    assert_eq!(String::from_utf8(made.bytes).unwrap(), new);
    assert_eq!((made.replaced, made.standing), (vec!["comment".to_owned()], Vec::new()));
}

#[test]
fn a_second_time_nothing_changes() {
    let config = "<?php define('DB_NAME', 'a'); define(\"DB_PASSWORD\", \"b\"); define('AUTH_KEY', 'c'); define('WP_HOME', 'https://shop.example.com');";
    let once = done(config);
    let twice = done(std::str::from_utf8(&once.bytes).unwrap());
    assert_eq!((twice.bytes, twice.replaced), (once.bytes, Vec::new()));
    assert_eq!(once.replaced, ["AUTH_KEY", "DB_NAME", "DB_PASSWORD", "WP_HOME"]);
}

#[test]
fn a_folder_of_its_own_for_content_is_told() {
    assert_eq!(done("<?php\n\ndefine('WP_CONTENT_DIR', __DIR__ . '/content');").own_content_folder, Some(3));
    assert_eq!(done("<?php const WPMU_PLUGIN_DIR = '/x';").own_content_folder, Some(1));
    assert_eq!(done("<?php $a = 'WP_CONTENT_DIR';").own_content_folder, None);
}

#[test]
fn files_are_known_by_their_names() {
    for path in [
        "wp-config.php",
        "blog/wp-config.php",
        "WP-Config.php",
        "wp-config-db.php",
        "wp-config.local.php",
        "wp-salt.php",
        "local-config.php",
    ] {
        assert!(is_wp_config(path.as_bytes()), "{path}");
    }
    for path in [
        "wp-config-sample.php",
        "wp-config.php.bak",
        "config/application.php",
        "wp-content/plugins/x/wp-config.php",
        "xwp-config.php",
        "wp-settings.php",
        "",
    ] {
        assert!(!is_wp_config(path.as_bytes()), "{path}");
    }
}
