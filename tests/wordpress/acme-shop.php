<?php
/*
 * Plugin Name: Acme Shop
 * Description: A shop in few lines: the tables, post types and jobs that WooCommerce, Action Scheduler and Elementor would have.
 */

add_action('init', function () {
    register_post_type('product', ['public' => true, 'has_archive' => 'shop', 'show_in_rest' => true, 'label' => 'Products', 'rewrite' => ['slug' => 'product'], 'supports' => ['title', 'editor', 'custom-fields']]);
    register_post_type('shop_order', ['public' => false, 'label' => 'Orders']);
    // Whoever has a queue sees to it that somebody works it off, whatever becomes of the list of jobs.
    if (!wp_next_scheduled('action_scheduler_run_queue')) {
        wp_schedule_event(time(), 'hourly', 'action_scheduler_run_queue');
    }
});

/** The tables that are there once the plug-in is switched on. */
function acme_tables(): void {
    global $wpdb;
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    $of = ['p' => $wpdb->prefix, 'c' => $wpdb->get_charset_collate()];
    dbDelta("CREATE TABLE {$of['p']}wc_orders (id bigint(20) unsigned NOT NULL, status varchar(20) NULL, currency varchar(10) NULL, type varchar(20) NULL, total_amount decimal(26,8) NULL, customer_id bigint(20) unsigned NULL, billing_email varchar(320) NULL, date_created_gmt datetime NULL, parent_order_id bigint(20) unsigned NULL, payment_method varchar(100) NULL, transaction_id varchar(100) NULL, ip_address varchar(100) NULL, user_agent text NULL, customer_note text NULL, PRIMARY KEY  (id), KEY status (status), KEY billing_email (billing_email(191)), KEY customer_id_billing_email (customer_id, billing_email(171))) {$of['c']};
CREATE TABLE {$of['p']}wc_order_addresses (id bigint(20) unsigned NOT NULL auto_increment, order_id bigint(20) unsigned NOT NULL, address_type varchar(20) NULL, first_name text NULL, last_name text NULL, company text NULL, address_1 text NULL, address_2 text NULL, city text NULL, state text NULL, postcode text NULL, country text NULL, email varchar(320) NULL, phone varchar(100) NULL, PRIMARY KEY  (id), UNIQUE KEY address_type_order_id (address_type, order_id), KEY email (email(191)), KEY phone (phone)) {$of['c']};
CREATE TABLE {$of['p']}wc_order_operational_data (id bigint(20) unsigned NOT NULL auto_increment, order_id bigint(20) unsigned NULL, created_via varchar(100) NULL, order_key varchar(100) NULL, PRIMARY KEY  (id), UNIQUE KEY order_id (order_id), KEY order_key (order_key)) {$of['c']};
CREATE TABLE {$of['p']}wc_customer_lookup (customer_id bigint(20) unsigned NOT NULL auto_increment, user_id bigint(20) unsigned NULL, username varchar(60) NOT NULL DEFAULT '', first_name varchar(255) NOT NULL, last_name varchar(255) NOT NULL, email varchar(100) NULL, date_registered timestamp NULL, country char(2) NOT NULL DEFAULT '', postcode varchar(20) NOT NULL DEFAULT '', city varchar(100) NOT NULL DEFAULT '', state varchar(100) NOT NULL DEFAULT '', PRIMARY KEY  (customer_id), UNIQUE KEY user_id (user_id), KEY email (email)) {$of['c']};
CREATE TABLE {$of['p']}actionscheduler_actions (action_id bigint(20) unsigned NOT NULL auto_increment, hook varchar(191) NOT NULL, status varchar(20) NOT NULL, scheduled_date_gmt datetime NULL DEFAULT '0000-00-00 00:00:00', args varchar(191) NULL, schedule longtext NULL, group_id bigint(20) unsigned NOT NULL DEFAULT 0, attempts int(11) NOT NULL DEFAULT 0, claim_id bigint(20) unsigned NOT NULL DEFAULT 0, PRIMARY KEY  (action_id), KEY hook (hook), KEY status (status)) {$of['c']};
CREATE TABLE {$of['p']}wc_webhooks (webhook_id bigint(20) unsigned NOT NULL auto_increment, status varchar(200) NOT NULL, name text NOT NULL, user_id bigint(20) unsigned NOT NULL, delivery_url text NOT NULL, secret text NOT NULL, topic varchar(200) NOT NULL, PRIMARY KEY  (webhook_id)) {$of['c']};
CREATE TABLE {$of['p']}woocommerce_sessions (session_id bigint(20) unsigned NOT NULL auto_increment, session_key char(32) NOT NULL, session_value longtext NOT NULL, session_expiry bigint(20) unsigned NOT NULL, PRIMARY KEY  (session_id), UNIQUE KEY session_key (session_key)) {$of['c']};
CREATE TABLE {$of['p']}woocommerce_payment_tokens (token_id bigint(20) unsigned NOT NULL auto_increment, gateway_id varchar(200) NOT NULL, token text NOT NULL, user_id bigint(20) unsigned NOT NULL DEFAULT 0, type varchar(200) NOT NULL, is_default tinyint(1) NOT NULL DEFAULT 0, PRIMARY KEY  (token_id), KEY user_id (user_id)) {$of['c']};");
}
register_activation_hook(__FILE__, 'acme_tables');

/** What stands in the queue is done: somebody is written to. */
add_action('action_scheduler_run_queue', function () {
    global $wpdb;
    $due = $wpdb->get_results("SELECT action_id, hook, args FROM {$wpdb->prefix}actionscheduler_actions WHERE status = 'pending' AND scheduled_date_gmt <= UTC_TIMESTAMP() LIMIT 3");
    foreach ($due as $action) {
        $wpdb->update("{$wpdb->prefix}actionscheduler_actions", ['status' => 'complete'], ['action_id' => $action->action_id]);
        $order = json_decode($action->args, true)[0];
        $to = $wpdb->get_var($wpdb->prepare("SELECT billing_email FROM {$wpdb->prefix}wc_orders WHERE id = %d", $order));
        wp_mail($to, "Your order $order", 'It is on its way. ' . home_url('/shop/'));
    }
});

/** A job of the list: whoever has not paid is reminded, and a partner is told. */
add_action('acme_remind', function () {
    global $wpdb;
    $pending = $wpdb->get_results("SELECT id, billing_email FROM {$wpdb->prefix}wc_orders WHERE status = 'wc-pending' ORDER BY id LIMIT 2");
    foreach ($pending as $order) {
        wp_mail($order->billing_email, 'Your basket waits', home_url("/basket/?order=$order->id"));
    }
    foreach ($wpdb->get_col("SELECT delivery_url FROM {$wpdb->prefix}wc_webhooks WHERE status = 'active'") as $url) {
        wp_remote_post($url, ['timeout' => 3, 'body' => ['pending' => count($pending)]]);
    }
});

/** What Elementor makes of a page's data. */
function acme_elements(array $elements): string {
    $html = '';
    foreach ($elements as $element) {
        $set = $element['settings'] ?? [];
        $html .= match ($element['widgetType'] ?? '') {
            'heading' => '<h2>' . esc_html($set['title']) . '</h2>',
            'text-editor' => wp_kses_post($set['editor']),
            'image' => '<img src="' . esc_url($set['image']['url']) . '" alt="">',
            'button' => '<a class="button" href="' . esc_url($set['link']['url']) . '">' . esc_html($set['text']) . '</a>',
            default => '',
        } . acme_elements($element['elements'] ?? []);
    }
    return $html;
}

add_filter('the_content', function ($content) {
    $data = get_post_meta(get_the_ID(), '_elementor_data', true);
    return $data && get_post_meta(get_the_ID(), '_elementor_edit_mode', true) === 'builder' ? acme_elements(json_decode($data, true) ?: []) : $content;
});

/** The shop in numbers, on every page: what an owner looks at first after a copy. */
add_action('wp_body_open', function () {
    global $wpdb;
    $count = fn ($table, $where = '1 = 1') => $wpdb->get_var("SELECT COUNT(*) FROM {$wpdb->prefix}$table WHERE $where");
    $last = $wpdb->get_row("SELECT first_name, last_name, city FROM {$wpdb->prefix}wc_order_addresses WHERE address_type = 'billing' ORDER BY order_id DESC LIMIT 1");
    $stripe = get_option('woocommerce_stripe_settings') ?: [];
    $facts = [
        'title' => get_bloginfo('name'), 'siteurl' => get_option('siteurl'), 'home' => home_url(), 'customers' => $count('wc_customer_lookup'), 'orders' => $count('wc_orders'),
        'posts' => $count('posts', "post_type = 'post' AND post_status = 'publish'"), 'latest-order-by' => $last ? "$last->first_name $last->last_name of $last->city" : '', 'environment-type' => wp_get_environment_type(),
    ];
    echo '<dl class="acme-facts" data-stripe="' . esc_attr($stripe['publishable_key'] ?? '') . '" style="display:grid;grid-template-columns:auto 1fr;gap:.25rem 1.5rem;margin:0;padding:1rem 3rem;background:' . (wp_get_environment_type() === 'production' ? '#e7f5ec' : '#ede9fe') . '">';
    foreach ($facts as $name => $value) {
        echo '<dt>' . esc_html($name) . '</dt><dd style="margin:0" id="' . esc_attr($name) . '">' . esc_html($value) . '</dd>';
    }
    echo '</dl>';
});
