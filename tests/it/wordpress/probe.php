<?php
// Plug-in of a test: does what plug-ins do, and says what came of it.

add_action('probe_job', static function (): void {
    update_option('probe_job_ran', '1');
});

add_action('init', static function (): void {
    $probe = $_GET['probe'] ?? '';
    if ($probe === 'lead') {
        header('Location: https://elsewhere.example.org/', true, 302);
        exit;
    }
    if ($probe === 'echo') {
        exit('here');
    }
    if ($probe !== 'all') {
        return;
    }
    $came_of = static function (string $url): string {
        $answer = wp_remote_get($url, ['timeout' => 5]);
        return is_wp_error($answer) ? $answer->get_error_code() : (string) wp_remote_retrieve_response_code($answer);
    };
    $own = 'https://' . $_SERVER['HTTP_HOST'];
    // What a plug-in does that brings a wp_mail() of its own.
    require_once ABSPATH . WPINC . '/PHPMailer/PHPMailer.php';
    require_once ABSPATH . WPINC . '/PHPMailer/Exception.php';
    $mailer = new PHPMailer\PHPMailer\PHPMailer();
    $mailer->setFrom('shop@example.com');
    $mailer->addAddress('canary-own@people.example.net');
    $mailer->addBCC('canary-own-bcc@people.example.net');
    $mailer->Body = 'text';
    do_action_ref_array('phpmailer_init', [&$mailer]);
    delete_option('probe_job_ran');
    wp_schedule_single_event(time() - 60, 'probe_job');
    header('Content-Type: application/json');
    echo json_encode([
        'mail' => wp_mail('canary-mail@people.example.net', 'subject', 'text'),
        'own_mail' => $mailer->send(),
        'own' => $came_of("$own/?probe=echo"),
        'loopback' => $came_of('http://127.0.0.1:9/'),
        'neighbour' => $came_of('http://mail.example.net:8025/'),
        'leading' => $came_of("$own/?probe=lead"),
        'outside' => array_map($came_of, [
            'https://api.wordpress.org/core/', 'https://hooks.partner.example.org/', 'https://outfitters.example.com.evil.example/',
            'https://127.0.0.1.evil.example/', 'https://evil.example/?https://localhost/', "https://evil.example\\@localhost/", 'https://localhost@evil.example/',
        ]),
        'ready' => count(wp_get_ready_cron_jobs()) > 0,
        'queue' => apply_filters('action_scheduler_allow_async_request_runner', true),
    ]);
    exit;
});
