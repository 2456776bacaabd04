<?php
// What the image makes of a container's variables: the same names, defaults and order as in Docker's own image of WordPress.

function of_container(string $name, string $default): string {
    $value = getenv($name);
    return $value === false ? $default : $value;
}

define('DB_NAME', of_container('WORDPRESS_DB_NAME', 'wordpress'));
define('DB_USER', of_container('WORDPRESS_DB_USER', 'example username'));
define('DB_PASSWORD', of_container('WORDPRESS_DB_PASSWORD', 'example password'));
define('DB_HOST', of_container('WORDPRESS_DB_HOST', 'mysql'));
define('DB_CHARSET', of_container('WORDPRESS_DB_CHARSET', 'utf8mb4'));
define('DB_COLLATE', of_container('WORDPRESS_DB_COLLATE', ''));
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $name) {
    define($name, of_container("WORDPRESS_$name", 'put your unique phrase here'));
}
$table_prefix = of_container('WORDPRESS_TABLE_PREFIX', 'wp_');
define('WP_DEBUG', (bool) of_container('WORDPRESS_DEBUG', ''));
// Whoever stands before the container has taken TLS off.
if (str_contains($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '', 'https')) {
    $_SERVER['HTTPS'] = 'on';
}
if ($extra = of_container('WORDPRESS_CONFIG_EXTRA', '')) {
    eval($extra);
}
if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
