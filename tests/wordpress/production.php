<?php
// Makes production's site, through WordPress itself; production.sql fills it up afterwards. Its argument is the folder of WordPress.

define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'outfitters.example.com';
$_SERVER['REQUEST_URI'] = '/';
require "$argv[1]/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';

/** Some words, the same for the same number. */
function words(int $seed, int $many): string {
    static $all = ['the', 'warm', 'light', 'sturdy', 'quiet', 'wool', 'linen', 'canvas', 'leather', 'copper', 'oak', 'jacket', 'boots', 'lantern', 'blanket', 'kettle', 'satchel', 'compass', 'tent', 'rope', 'morning', 'evening', 'harbour', 'mountain', 'river', 'forest', 'road', 'market', 'garden', 'window', 'keeps', 'carries', 'holds', 'folds', 'repairs', 'travels', 'rests', 'slowly', 'often', 'café', 'naïve', 'über', '☕', '🧭', 'long', 'short', 'honest', 'useful', 'small', 'wide'];
    $made = [];
    for ($at = 0; $at < $many; $at++) {
        $made[] = $all[crc32("$seed-$at") % count($all)];
    }
    return ucfirst(implode(' ', $made));
}

$site = 'https://outfitters.example.com';
wp_install('Acme Outfitters', 'anna', 'anna@people.example.net', true, '', 'canary-admin-password');
array_map(fn ($id) => wp_delete_post($id, true), [1, 2, 3]);
update_option('permalink_structure', '/%year%/%postname%/');
update_option('posts_per_page', 12);
update_option('blogdescription', 'Good things for the long way home');
update_option('timezone_string', 'UTC');
activate_plugin('acme-shop/acme-shop.php');
do_action('init');
wp_cache_flush();

// Whom pages name: authors, who are people as well.
$authors = [1];
foreach (['Ottilie Quillfeather', 'Barnaby Brambleworth', 'Isolde Fennimoor'] as $name) {
    [$given, $family] = explode(' ', $name);
    $authors[] = wp_insert_user(['user_login' => 'canary.' . strtolower($given), 'user_pass' => 'canary-customer-password', 'user_email' => 'canary.' . strtolower($family) . '@people.example.net', 'display_name' => $name, 'first_name' => $given, 'last_name' => $family, 'role' => 'author']);
}
$topics = array_map(fn ($name) => wp_insert_category(['cat_name' => $name]), ['Journal', 'Workshop', 'Roads']);
for ($i = 1; $i <= 300; $i++) {
    $slug = "item-$i";
    $before = 'item-' . max(1, $i - 1);
    $content = '<!-- wp:paragraph --><p>' . words($i, 60) . ". See <a href=\"$site/2026/$before/\">the one before</a>, <a href=\"http://outfitters.example.com/shop/\">the shop</a> or <a href=\"//outfitters.example.com/about/\">about us</a>.</p><!-- /wp:paragraph -->"
        . "<!-- wp:cover {\"url\":\"https:\\/\\/outfitters.example.com\\/wp-content\\/themes\\/twentytwentyfive\\/assets\\/images\\/item.webp\"} --><!-- /wp:cover -->"
        . ($i === 300 ? '<!-- wp:paragraph --><p><a href="https://partner.example.org/review/">A review</a></p><!-- /wp:paragraph -->' : '')
        . '<!-- wp:paragraph --><p><a href="https://social.example.org/share?u=' . rawurlencode("$site/2026/$slug/") . '">Share</a> ' . words($i + 1000, 40) . '</p><!-- /wp:paragraph -->';
    $post = wp_insert_post(wp_slash(['post_title' => words($i + 2000, 4), 'post_name' => $slug, 'post_content' => $content, 'post_status' => 'publish', 'post_author' => $authors[$i % 4], 'post_category' => [$topics[$i % 3]], 'post_date' => gmdate('Y-m-d H:i:s', 1767268800 + $i * 3600)]));
    if ($i % 3 === 0) {
        $who = ['Quillfeather', 'Hollowcroft', 'Pumblechurch', 'Thistlewick'][$i % 4];
        wp_insert_comment(['comment_post_ID' => $post, 'comment_author' => "Greta $who", 'comment_author_email' => 'canary.' . strtolower($who) . ".$i@people.example.net", 'comment_author_IP' => '203.0.113.' . $i % 250, 'comment_content' => words($i + 3000, 12) . " $site/2026/$slug/", 'comment_approved' => 1, 'comment_agent' => 'Mozilla/5.0 (Canary)']);
    }
}
for ($i = 1; $i <= 40; $i++) {
    wp_insert_post(wp_slash(['post_type' => 'product', 'post_title' => words($i + 5000, 3), 'post_name' => "product-$i", 'post_content' => words($i + 6000, 30) . " <a href=\"$site/product/product-" . max(1, $i - 1) . '/">Goes well with</a>', 'post_status' => 'publish']));
}
$page = wp_insert_post(['post_type' => 'page', 'post_title' => 'About us', 'post_name' => 'about', 'post_status' => 'publish']);
$elements = [['id' => 'a1b2c3d', 'elType' => 'section', 'settings' => [], 'elements' => [
    ['id' => 'b1', 'elType' => 'widget', 'widgetType' => 'heading', 'settings' => ['title' => 'Made by hand, größer als du denkst']],
    ['id' => 'b2', 'elType' => 'widget', 'widgetType' => 'text-editor', 'settings' => ['editor' => "<p>Find us in <a href=\"$site/2026/item-7/\">the journal</a>.</p>"]],
    ['id' => 'b3', 'elType' => 'widget', 'widgetType' => 'image', 'settings' => ['image' => ['url' => "$site/wp-includes/images/media/default.png", 'id' => 7]]],
    ['id' => 'b4', 'elType' => 'widget', 'widgetType' => 'button', 'settings' => ['text' => 'To the shop', 'link' => ['url' => "$site/shop/"]]],
]]];
update_post_meta($page, '_elementor_edit_mode', 'builder');
update_post_meta($page, '_elementor_data', wp_slash(wp_json_encode($elements)));
update_option('woocommerce_stripe_settings', ['enabled' => 'yes', 'testmode' => 'no', 'publishable_key' => 'pk_live_Canary0publishable', 'secret_key' => 'sk_live_Canary0secret0key', 'webhook_url' => "$site/?wc-api=wc_stripe"]);
update_option('widget_block', [2 => ['content' => "<!-- wp:paragraph --><p><a href=\"$site/2026/item-3/\">Überall zu Hause ☕</a></p><!-- /wp:paragraph -->"], '_multiwidget' => 1]);
update_option('mailserver_pass', 'canary-mailserver-password');
wp_schedule_event(time() - 60, 'hourly', 'acme_remind');
// Pings of old posts have long been sent; the newest one's will be.
$wpdb->query("DELETE FROM $wpdb->postmeta WHERE meta_key IN ('_pingme', '_encloseme') AND post_id <> (SELECT MAX(ID) FROM $wpdb->posts WHERE post_type = 'post')");
// What a site has once it was visited.
delete_option('rewrite_rules');
wp_schedule_event(time() + 43200, 'twicedaily', 'wp_version_check');
wp_schedule_event(time() + 43200, 'twicedaily', 'wp_update_plugins');
wp_schedule_event(time() + 43200, 'twicedaily', 'wp_update_themes');
echo $wpdb->get_var("SELECT user_pass FROM $wpdb->users WHERE ID = 2");
