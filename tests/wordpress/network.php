<?php
// Makes a network of the site: `network.php WWW tables` before wp-config.php says that it is one, `network.php WWW sites` after.

$_SERVER['HTTP_HOST'] = 'outfitters.example.com';
$_SERVER['REQUEST_URI'] = '/';
if ($argv[2] === 'tables') {
    define('WP_INSTALLING_NETWORK', true);
}
require "$argv[1]/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

if ($argv[2] === 'tables') {
    foreach ($wpdb->tables('ms_global') as $name => $table) {
        $wpdb->$name = $table;
    }
    install_network();
    $made = populate_network(1, 'outfitters.example.com', 'anna@people.example.net', 'Acme Network', '/', false);
    update_option('permalink_structure', '/%year%/%postname%/');
    delete_option('rewrite_rules');
    exit(is_wp_error($made) ? $made->get_error_message() : '$');
}

$site = 'https://outfitters.example.com';
$garden = wp_insert_site(['domain' => 'outfitters.example.com', 'path' => '/garden/', 'network_id' => 1, 'user_id' => 1, 'title' => 'Acme Garden']);
if (is_wp_error($garden)) {
    exit($garden->get_error_message());
}
switch_to_blog($garden);
update_option('siteurl', "$site/garden");
update_option('home', "$site/garden");
update_option('permalink_structure', '/%year%/%postname%/');
for ($i = 1; $i <= 30; $i++) {
    $post = wp_insert_post(['post_title' => "Bed $i", 'post_name' => "bed-$i", 'post_content' => "<p>See <a href=\"$site/garden/2026/bed-" . max(1, $i - 1) . "/\">the bed before</a> and <a href=\"$site/about/\">the shop</a>.</p>", 'post_status' => 'publish', 'post_author' => 1 + $i % 2, 'post_date' => gmdate('Y-m-d H:i:s', 1767268800 + $i * 3600)]);
    wp_insert_comment(['comment_post_ID' => $post, 'comment_author' => 'Greta Hollowcroft', 'comment_author_email' => "canary.garden.$i@people.example.net", 'comment_author_IP' => '203.0.113.9', 'comment_content' => 'Lovely.', 'comment_approved' => 1]);
}
delete_option('rewrite_rules');
restore_current_blog();
echo '$';
