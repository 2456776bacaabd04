<?php
// What Apache's rules do in the image: a file is itself, anything else is WordPress's business.

$root = $_SERVER['DOCUMENT_ROOT'];
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
// A site of a network has the programs of all under its own path.
if (preg_match('#^/[_0-9a-zA-Z-]+(/wp-(?:content|admin|includes).*|/[^/]*\.php)$#', $path, $found) && !file_exists($root . $path)) {
    $path = $found[1];
}
if (is_dir($root . $path) && file_exists("$root$path/index.php")) {
    if (!str_ends_with($path, '/')) {
        header('Location: ' . $_SERVER['REQUEST_URI'] . '/', true, 301);
        return;
    }
    $path .= 'index.php';
}
$file = realpath($root . $path);
// A volume may be mounted there.
$content = realpath("$root/wp-content");
if ($file === false || !str_starts_with($file, "$root/") && !str_starts_with($file, "$content/") || is_dir($file)) {
    $file = "$root/index.php";
    $path = '/index.php';
} elseif (!str_ends_with($file, '.php')) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $path;
$_SERVER['SCRIPT_FILENAME'] = $file;
chdir(dirname($file));
require $file;
