<?php
/*
 * Plugin Name: railstage guard
 * Description: Keeps this copy of a site to itself: no mail, no requests to others, no jobs, nothing for search engines. Anywhere but in the copy it was written for it does nothing, and may be deleted.
 *
 * Written by railstage for PHP 7.4 and later. What it cannot stop is what does not go through WordPress: PHP's own mail(), cURL, sockets.
 */

(static function (): void {
    $copy = '@environment_id@';

    // Where PHP has the container's variables depends on who runs it: FastCGI hands them over in getenv() or $_SERVER, Apache's rewriting with a prefix.
    $name = 'RAILWAY_ENVIRONMENT_ID';
    $places = [getenv($name), $_SERVER[$name] ?? '', $_SERVER["REDIRECT_$name"] ?? '', $_ENV[$name] ?? ''];
    $found = array_values(array_filter($places, static fn ($value): bool => is_string($value) && $value !== ''));
    if (!defined('ABSPATH') || $copy === '' || ($found[0] ?? '') !== $copy) {
        return;
    }

    // What it is, in every answer. Said twice: before anything can fail, and right before headers are sent, in case somebody has removed them.
    $tell = static function () use ($copy): void {
        header("X-Railstage-Copy: $copy");
        header('X-Robots-Tag: noindex, nofollow');
    };
    if (PHP_SAPI !== 'cli' && !headers_sent()) {
        $tell();
        header_register_callback($tell);
    }
    add_filter('wp_robots', static fn (): array => ['noindex' => true, 'nofollow' => true], PHP_INT_MAX);

    // Mail: whoever sends is told that it was sent, since many ask again or show an error where it was not. A plug-in that brings its own
    // wp_mail(), or a WordPress older than 5.7, does not ask first: its letter loses everybody it is for.
    add_filter('pre_wp_mail', '__return_true', PHP_INT_MAX);
    add_action('phpmailer_init', static function ($mailer): void {
        $mailer->clearAllRecipients();
    }, PHP_INT_MAX);

    // Requests: to the copy itself, its private network, and whom the owner's policy lets a copy talk to. Nobody's filter adds to it.
    $hosts = ['@hosts@'];
    $may = static function ($url) use ($hosts): bool {
        $url = (string) $url;
        // What others may read in another way than parse_url() does.
        if ($url === '' || preg_match('/[\x00-\x20\x5c\x7f]/', $url)) {
            return false;
        }
        $host = strtolower(rtrim(trim((string) parse_url($url, PHP_URL_HOST), '[]'), '.'));
        return in_array($host, $hosts, true) || in_array($host, ['localhost', '::1'], true)
            || preg_match('/\A127(\.\d{1,3}){3}\z/', $host) === 1 || substr($host, -17) === '.railway.internal';
    };
    add_filter('pre_http_request', static function ($answer, $arguments, $url) use ($may) {
        return $may($url) ? $answer : new WP_Error('railstage', 'This is a staging copy, which sends no requests to others.');
    }, PHP_INT_MAX, 3);
    // The copy may be asked and lead elsewhere.
    add_action('requests-requests.before_redirect', static function ($location) use ($may): void {
        if (!$may($location)) {
            $exception = class_exists('WpOrg\Requests\Exception') ? 'WpOrg\Requests\Exception' : 'Requests_Exception';
            throw new $exception('This is a staging copy, which sends no requests to others.', 'railstage');
        }
    });

    // Jobs: neither those of WordPress nor those of Action Scheduler, which calls itself.
    defined('DISABLE_WP_CRON') || define('DISABLE_WP_CRON', true);
    add_filter('pre_get_ready_cron_jobs', '__return_empty_array', PHP_INT_MAX);
    add_filter('action_scheduler_allow_async_request_runner', '__return_false', PHP_INT_MAX);

    // Uploads that were not copied are production's to show, where it is known. Nothing that production would run is asked of it.
    $production = '@production@';
    if ($production !== '') {
        add_action('init', static function () use ($production): void {
            $path = explode('?', $_SERVER['REQUEST_URI'] ?? '')[0];
            $uploads = wp_get_upload_dir();
            $base = rtrim((string) parse_url($uploads['baseurl'], PHP_URL_PATH), '/') . '/';
            $name = rawurldecode((string) substr($path, strlen($base)));
            $is_file = preg_match('/\.[A-Za-z0-9]{1,5}\z/', $name) && !preg_match('/\.(ph|cgi|pl|py|sh)|\.\.|[\x00-\x1f\x5c]/i', $name);
            $asks = in_array($_SERVER['REQUEST_METHOD'] ?? '', ['GET', 'HEAD'], true);
            if ($asks && strpos($path, $base) === 0 && $is_file && !file_exists("{$uploads['basedir']}/$name")) {
                header('Cache-Control: no-store');
                header("Location: $production$path", true, 302);
                exit;
            }
        }, PHP_INT_MIN);
    }

    // What people see.
    $ribbon = static function (): void {
        $style = 'position:fixed;bottom:0;left:0;right:0;z-index:2147483647;margin:0;padding:4px 12px;pointer-events:none;'
            . 'background:#7c2d12;color:#fff;font:600 13px/1.5 sans-serif;text-align:center;opacity:.92';
        echo '<div id="railstage-copy" role="note" style="', esc_attr($style), '">', esc_html('@ribbon@'), '</div>';
    };
    foreach (['wp_footer', 'admin_footer', 'login_footer'] as $hook) {
        add_action($hook, $ribbon, PHP_INT_MAX);
    }
})();
