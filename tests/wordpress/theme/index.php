<!doctype html>
<html <?php language_attributes(); ?>>
<head><meta charset="utf-8"><?php wp_head(); ?></head>
<body>
<?php wp_body_open(); ?>
<img class="acme-picture" src="<?php echo esc_url(wp_get_upload_dir()['baseurl'] . '/2026/11/harbour.png'); ?>" alt="">
<dl style="display:grid;grid-template-columns:auto 1fr;gap:.25rem 1.5rem;margin:0;padding:1rem 3rem">
<?php foreach (acme_files() as $name => $value) { ?>
<dt><?php echo esc_html($name); ?></dt><dd style="margin:0" id="<?php echo esc_attr($name); ?>"><?php echo esc_html($value); ?></dd>
<?php } ?>
</dl>
<main>
<?php while (have_posts()) { the_post(); ?>
<article><h2><a href="<?php the_permalink(); ?>"><?php the_title(); ?></a></h2><?php the_content(); ?></article>
<?php } ?>
</main>
<?php wp_footer(); ?>
</body>
</html>
