<?php
add_theme_support('title-tag');
add_action('wp_enqueue_scripts', function () {
    wp_enqueue_style('acme', get_stylesheet_uri());
    wp_enqueue_style('acme-built', wp_get_upload_dir()['baseurl'] . '/elementor/css/post-7.css');
});

/** What of the site's files is there: what a copy should have, and what it has no use for. */
function acme_files(): array {
    $uploads = wp_get_upload_dir()['basedir'];
    $private = ['debug.log', '.env', 'backup.sql', 'cache/page.html', 'uploads/2026/11/invoice-117.pdf'];
    return [
        'theme' => wp_get_theme()->get('Name'),
        'uploads' => count(glob("$uploads/2026/*/*.png")),
        'private-files' => count(array_filter($private, fn ($path) => file_exists(WP_CONTENT_DIR . "/$path"))),
    ];
}
