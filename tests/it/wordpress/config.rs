//! What becomes of `wp-config.php`, as PHP itself reads it before and after.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use backboard::wordpress::php;
use railstage::files::wp_config::{DbValues, Rewritten, WpConfigValues, rewrite};
use railstage::rewriting::{Rewriter, UrlPair};

const SALTS: [&str; 8] = [
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
];

/// What the copy's values are; whoever escapes wrongly is found by them.
fn wanted() -> BTreeMap<String, String> {
    let of = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut wanted = BTreeMap::from(
        [
            ("DB_NAME", "railway"),
            ("DB_USER", r#"a'b"c\d"#),
            ("DB_PASSWORD", "'\\\"$DB_NAME {$x} ${y}\\' ?><?php */ // \\n\\101\\u{41}\nEND;\n\u{e9}\\"),
            ("DB_HOST", "mysql.railway.internal:3306"),
            ("WP_HOME", "https://copy.example.net"),
            ("WP_SITEURL", "https://copy.example.net/wp"),
            ("DOMAIN_CURRENT_SITE", "copy.example.net"),
            ("COOKIE_DOMAIN", "copy.example.net"),
        ]
        .map(of),
    );
    wanted.extend(SALTS.map(|name| (name.to_owned(), salt(name))));
    wanted
}

fn salt(name: &str) -> String {
    format!("{name} ' \\' \" $x `y` \\")
}

fn old(name: &str) -> String {
    match name {
        "WP_HOME" => "https://shop.example.com".to_owned(),
        "WP_SITEURL" => "https://shop.example.com/wp".to_owned(),
        "DOMAIN_CURRENT_SITE" => "shop.example.com".to_owned(),
        "COOKIE_DOMAIN" => ".shop.example.com".to_owned(),
        _ => format!("old of {name}"),
    }
}

fn done(config: &str) -> Rewritten {
    let wanted = wanted();
    let urls = Rewriter::new(&[UrlPair::parse("https://shop.example.com", "https://copy.example.net").unwrap()]);
    let [name, user, password, host] =
        ["DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST"].map(|name| wanted[name].clone());
    let values = WpConfigValues {
        db: Some(&DbValues { name, user, password, host }),
        urls: &urls,
        salt: &salt,
        old_database_hosts: &[],
        old_passwords: &[old("DB_PASSWORD")],
        is_live: &|_| false,
    };
    rewrite(config.as_bytes(), &values)
}

fn run(arguments: &[&str], file: &Path) -> Output {
    let mut php = php().unwrap();
    php.args(["-d", "display_errors=1", "-d", "error_reporting=24575", "-d", "short_open_tag=1"]);
    php.args(arguments).arg(file).output().unwrap()
}

/// The constants that a file defines, as PHP has them when it has run it, and what it has printed.
fn constants(folder: &Path, config: &[u8]) -> (BTreeMap<String, serde_json::Value>, String) {
    let file = folder.join("wp-config.php");
    std::fs::write(&file, config).unwrap();
    std::fs::write(folder.join("wp-settings.php"), "").unwrap();
    let text = String::from_utf8_lossy(config);
    let lint = run(&["-l"], &file);
    assert!(lint.status.success(), "{}\n{text}", String::from_utf8_lossy(&lint.stdout));
    let script = "ob_start(); require $argv[1]; $said = ob_get_clean(); \
                  echo json_encode([get_defined_constants(true)['user'] ?? [], $said, $table_prefix ?? null], JSON_THROW_ON_ERROR);";
    let output = run(&["-r", script], &file);
    let said = String::from_utf8_lossy(&output.stdout);
    let (mut constants, printed, prefix): (BTreeMap<_, _>, String, serde_json::Value) =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{text}"));
    constants.insert("$table_prefix".to_owned(), prefix);
    (constants, printed)
}

/// Every value that is wanted is there, and every other constant is what it was.
fn assert_is_copys(folder: &Path, config: &str) {
    let made = done(config);
    let told: Vec<_> = made.standing.iter().map(ToString::to_string).collect();
    assert_eq!(told, Vec::<String>::new(), "{config}");
    let (before, printed) = constants(folder, config.as_bytes());
    let (after, printed_after) = constants(folder, &made.bytes);
    let text = String::from_utf8_lossy(&made.bytes);
    assert_eq!(printed_after, printed, "{text}");
    let wanted = wanted();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{text}");
    for (name, value) in &after {
        let own = wanted.get(name).map(|value| serde_json::Value::String(value.clone()));
        assert_eq!(value, own.as_ref().unwrap_or(&before[name]), "{name} in\n{text}");
        assert_eq!(made.replaced.contains(name), own.is_some(), "{name} in\n{text}");
    }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Ways to write a string.
fn strings() -> Vec<fn(&str) -> String> {
    vec![
        quoted,
        |value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")),
        |value| format!("\"{}\"", value.bytes().map(|b| format!("\\x{b:02x}")).collect::<String>()),
        |value| format!("({})", quoted(value)),
        |value| format!("{} . \"{}\"", quoted(&value[..2]), &value[2..]),
        |value| format!("<<<'EOT'\n    {value}\n    EOT"),
        |value| format!("<<<\"E_1\"\r\n{value}\r\nE_1"),
        |value| format!("/* ' */ {} // \" '\n", quoted(value)),
        |value| format!("b{}", quoted(value)),
        |value| format!("getenv_docker('NO_SUCH_{}', {})", value.len(), quoted(value)),
        |value| format!("getenv('NO_SUCH') ?: {}", quoted(value)),
        |value| format!("$_ENV['NO_SUCH'] ?? {}", quoted(value)),
        |value| format!("(string) getenv_docker('NO_SUCH', {},)", quoted(value)),
    ]
}

/// Ways to give a constant a value.
fn definitions() -> Vec<fn(&str, &str) -> String> {
    vec![
        |name, value| format!("define('{name}', {value});"),
        |name, value| format!("DeFine\n(\t\"{name}\",{value}\n)\n;"),
        |name, value| format!("\\define /**/ ( /* ' */ '{name}' # ) ;\n , {value} );"),
        |name, value| format!("defined('{name}') || define('{name}', {value});"),
        |name, value| format!("if (!defined('{name}')): define('{name}', {value}); endif;"),
        |name, value| format!("define(value: {value}, constant_name: '{name}');"),
        |name, value| format!("foreach ([1] as $_) {{ if ($_) {{ @define('{name}', {value}); }} }}"),
        |name, value| format!("?>\n<?php define('{name}', {value}) ?>\n<?php"),
    ]
}

/// What stands before and between, and is none of it.
const AROUND: &[&str] = &[
    "",
    "// define('DB_NAME', 'x\n",
    "# it's ?><?php\n",
    "#!/usr/bin/php '\n",
    "/* define('DB_NAME', \" */",
    "$a = 'define(\\'DB_NAME\\', ' . \"define('DB_NAME', \\\"\"; ",
    "$b = ['a' => \"'\"]; $c = \"{$b[\"a\"]} {$b['a']} $b[a] ${a}['x'] \\{$a} \\\\\"; ",
    "$d = <<<X\n  define('DB_NAME', 'x');\n  Xy \" ' /* {$b['a']}\n  X . '';\n",
    "$e = <<<'X'\n$x {$ ' \\\nX;\n",
    "?>define('DB_NAME', 'x'); it's <? $f = 1; ?><?= '\"' ?><?php ",
    "function of_mine($x = 'define') { return [1, '(' => ')']; } ",
    "class K { const A = 1; function define($a) { return $this->define ?? '('; } } ",
];

const HEAD: &str = "<?php\nif (!function_exists('getenv_docker')) { function getenv_docker($env, $default) { \
                    $value = getenv($env); return $value === false ? $default : $value; } }\n";

#[test]
fn every_way_to_write_a_config_comes_out_with_the_copys_values_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = wanted().into_keys().collect();
    for (s, string) in strings().into_iter().enumerate() {
        for (d, define) in definitions().into_iter().enumerate() {
            let mut config = HEAD.to_owned();
            for (n, name) in names.iter().enumerate() {
                // Functions and classes are there once.
                let around = AROUND[(n + s + d) % (if n < AROUND.len() { AROUND.len() } else { 10 })];
                let around = if config.contains(around.split('(').next().unwrap_or_default()) && around.contains(") {")
                {
                    ""
                } else {
                    around
                };
                config += &format!("{around}\n{}\n", define(name, &string(&old(name))));
            }
            config += "$table_prefix = 'shop_'; define('WP_DEBUG', false); define('OTHER', 'shop.example.org');\n\
                       if (!defined('ABSPATH')) { define('ABSPATH', __DIR__ . '/'); } require_once ABSPATH . 'wp-settings.php';\n";
            assert_is_copys(folder.path(), &config);
        }
    }
}

#[test]
fn constants_of_the_language_are_replaced_as_well() {
    let folder = tempfile::tempdir().unwrap();
    for string in &strings()[..9] {
        let all = wanted().into_keys().map(|name| format!("{name} = {}", string(&old(&name)))).collect::<Vec<_>>();
        assert_is_copys(
            folder.path(),
            &format!("{HEAD}const {};\nconst OTHER = ['a', \"b\"], LAST = 1 ?>", all.join(", ")),
        );
    }
}

/// As Docker's image of WordPress writes it, with salts of its own in the file.
#[test]
fn the_images_own_config_has_the_copys_defaults_and_its_variables_still_count() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = HEAD.replace("<?php\n", "<?php\n/**\n * The base configuration for WordPress, it's '\n */\n");
    for name in ["DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST"] {
        config +=
            &format!("/** The {name} */\ndefine( '{name}', getenv_docker('WORDPRESS_{name}', '{}') );\n", old(name));
    }
    config += "define( 'DB_CHARSET', getenv_docker('WORDPRESS_DB_CHARSET', 'utf8mb4') );\ndefine( 'DB_COLLATE', getenv_docker('WORDPRESS_DB_COLLATE', '') );\n";
    for name in SALTS {
        config +=
            &format!("define( '{name}',         getenv_docker('WORDPRESS_{name}',         '0123456789abcdef') );\n");
    }
    config += "$table_prefix = getenv_docker('WORDPRESS_TABLE_PREFIX', 'wp_');\ndefine( 'WP_DEBUG', !!getenv_docker('WORDPRESS_DEBUG', '') );\n\
        if (isset($_SERVER['HTTP_X_FORWARDED_PROTO']) && strpos($_SERVER['HTTP_X_FORWARDED_PROTO'], 'https') !== false) {\n\t$_SERVER['HTTPS'] = 'on';\n}\n\
        if ($configExtra = getenv_docker('WORDPRESS_CONFIG_EXTRA', '')) {\n\teval($configExtra);\n}\n\
        if ( ! defined( 'ABSPATH' ) ) {\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}\nrequire_once ABSPATH . 'wp-settings.php';\n";
    assert_is_copys(folder.path(), &config);
}

/// What PHP would refuse is told, and what it would not is not.
#[test]
fn what_is_told_to_be_unreadable_is_what_php_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wp-config.php");
    for (code, is_sound) in [
        ("define('A', 'b", false),
        ("define('A', \"b", false),
        ("define('A', 'b'); /* c", false),
        ("$a = <<<A\nb\n", false),
        ("$a = \"{$b", false),
        ("$a = <<<A\n{$b}\nA;", true),
        ("$a = <<<A\n  {$b[\"A\nA\"]}\n  A;", true),
        ("$a = <<<A\nA;", true),
        ("// \" ' <<<A", true),
        ("$a = 1 <<2; $a <<= 3; $b = \"$\"; $c = \"{ $\"; $d = '\\\\'; $e = \"\\\\\";", true),
        ("$a = b\"x\" . B'y' . \"\\\"\";", true),
        ("__halt_compiler(); ' \" /* <<<A\n", true),
    ] {
        let config = format!("<?php {code}");
        std::fs::write(&file, &config).unwrap();
        assert_eq!(run(&["-l"], &file).status.success(), is_sound, "{code}");
        assert_eq!(done(&config).standing.is_empty(), is_sound, "{code}");
    }
}
