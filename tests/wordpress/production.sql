-- The mass of production's shop: 2,000 customers and 5,000 orders, a thousand of which are in the shape of old as well. MariaDB's own
-- tables of numbers spell it; @hash is that of a customer's password.
CREATE TEMPORARY TABLE person (id int PRIMARY KEY, given varchar(60), family varchar(60), login varchar(60), email varchar(100), phone varchar(40), street varchar(80), city varchar(60), postcode varchar(20), ip varchar(40)) CHARACTER SET utf8mb4;
INSERT INTO person SELECT seq,
  ELT(1 + seq % 7, 'Ottilie', 'Barnaby', 'Isolde', 'Ødger', 'Šárka', 'Greta', 'Xaver'),
  ELT(1 + seq % 13, 'Quillfeather', 'Brambleworth', 'Fennimoor', 'Hollowcroft', 'Pumblechurch', 'Thistlewick', 'Underbough', 'Wexcombe', 'Yarrowdale', 'Zephyrine', 'Larkspurr', 'D''Aubigny', 'Šťastný'),
  CONCAT('canary', seq), CONCAT('canary.shopper.', seq, '@people.example.net'), CONCAT('+1-555-01', LPAD(seq % 100, 2, '0'), '-', seq), CONCAT(seq, ' Canary Row'), ELT(1 + seq % 3, 'Bath', 'Ödenwald', 'Lyon'), LPAD(seq, 5, '0'), CONCAT('203.0.113.', seq % 250) FROM seq_1_to_2000;
SET @first = (SELECT MAX(ID) FROM wp_users);
INSERT INTO wp_users (ID, user_login, user_pass, user_nicename, user_email, user_registered, display_name)
SELECT @first + id, login, @hash, login, email, '2025-01-01' + INTERVAL id HOUR, CONCAT(given, ' ', family) FROM person;
INSERT INTO wp_usermeta (user_id, meta_key, meta_value)
SELECT @first + id, k.n, CASE k.n WHEN 'nickname' THEN login WHEN 'first_name' THEN given WHEN 'last_name' THEN family WHEN 'wp_capabilities' THEN 'a:1:{s:8:"customer";b:1;}' WHEN 'wp_user_level' THEN '0'
  WHEN 'billing_email' THEN email WHEN 'billing_phone' THEN phone WHEN 'billing_address_1' THEN street WHEN 'billing_city' THEN city WHEN 'billing_postcode' THEN postcode WHEN 'last_ip' THEN ip
  ELSE CONCAT('a:1:{s:4:"cart";a:1:{s:4:"link";s:', LENGTH(CONCAT('https://outfitters.example.com/product/product-', id, '/')), ':"https://outfitters.example.com/product/product-', id, '/";}}') END
FROM person, (SELECT 'nickname' AS n UNION SELECT 'first_name' UNION SELECT 'last_name' UNION SELECT 'wp_capabilities' UNION SELECT 'wp_user_level' UNION SELECT 'billing_email' UNION SELECT 'billing_phone'
  UNION SELECT 'billing_address_1' UNION SELECT 'billing_city' UNION SELECT 'billing_postcode' UNION SELECT 'last_ip' UNION SELECT '_woocommerce_persistent_cart_1') k;
INSERT INTO wp_wc_customer_lookup (user_id, username, first_name, last_name, email, date_registered, country, postcode, city)
SELECT @first + id, login, given, family, email, '2025-01-01' + INTERVAL id HOUR, 'GB', postcode, city FROM person;
CREATE TEMPORARY TABLE bought (id int PRIMARY KEY, person int) SELECT 100000 + seq AS id, 1 + seq * 7 % 2000 AS person FROM seq_1_to_5000;
INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, payment_method, transaction_id, ip_address, user_agent, customer_note)
SELECT b.id, IF(b.id % 50 = 0, 'wc-pending', 'wc-completed'), 'EUR', 'shop_order', b.id % 977 + 0.95, @first + p.id, p.email, '2025-06-01' + INTERVAL b.id MINUTE, 'stripe', CONCAT('pi_canary', b.id), p.ip, 'Mozilla/5.0 (Canary)', IF(b.id % 9 = 0, CONCAT('Ring twice, ', p.given, ' ', p.family), '')
FROM bought b JOIN person p ON p.id = b.person;
INSERT INTO wp_wc_order_addresses (order_id, address_type, first_name, last_name, address_1, city, postcode, country, email, phone)
SELECT b.id, t.t, p.given, p.family, p.street, p.city, p.postcode, 'GB', p.email, p.phone FROM bought b JOIN person p ON p.id = b.person, (SELECT 'billing' AS t UNION SELECT 'shipping') t;
INSERT INTO wp_wc_order_operational_data (order_id, created_via, order_key) SELECT id, 'checkout', CONCAT('wc_order_canary', id) FROM bought;
INSERT INTO wp_posts (ID, post_author, post_date, post_date_gmt, post_content, post_title, post_excerpt, post_status, post_name, to_ping, pinged, post_modified, post_modified_gmt, post_content_filtered, guid, post_type, post_password)
SELECT id, 1, '2025-06-01' + INTERVAL id MINUTE, '2025-06-01' + INTERVAL id MINUTE, '', CONCAT('Order ', id), '', 'wc-completed', CONCAT('order-', id), '', '', '2025-06-01' + INTERVAL id MINUTE, '2025-06-01' + INTERVAL id MINUTE, '', CONCAT('https://outfitters.example.com/?post_type=shop_order&p=', id), 'shop_order', CONCAT('wc_order_canary', id) FROM bought WHERE id <= 101000;
INSERT INTO wp_postmeta (post_id, meta_key, meta_value)
SELECT b.id, k.n, CASE k.n WHEN '_billing_first_name' THEN p.given WHEN '_billing_last_name' THEN p.family WHEN '_billing_email' THEN p.email WHEN '_billing_phone' THEN p.phone WHEN '_billing_address_1' THEN p.street WHEN '_billing_city' THEN p.city
  WHEN '_billing_postcode' THEN p.postcode WHEN '_customer_ip_address' THEN p.ip WHEN '_customer_user_agent' THEN 'Mozilla/5.0 (Canary)' WHEN '_transaction_id' THEN CONCAT('pi_canary', b.id) WHEN '_stripe_customer_id' THEN CONCAT('cus_canary', p.id) ELSE 'EUR' END
FROM bought b JOIN person p ON p.id = b.person, (SELECT '_billing_first_name' AS n UNION SELECT '_billing_last_name' UNION SELECT '_billing_email' UNION SELECT '_billing_phone' UNION SELECT '_billing_address_1' UNION SELECT '_billing_city'
  UNION SELECT '_billing_postcode' UNION SELECT '_customer_ip_address' UNION SELECT '_customer_user_agent' UNION SELECT '_transaction_id' UNION SELECT '_stripe_customer_id' UNION SELECT '_order_currency') k WHERE b.id <= 101000;
INSERT INTO wp_actionscheduler_actions (hook, status, scheduled_date_gmt, args, schedule)
SELECT 'acme_tell_customer', 'pending', '2026-01-01', CONCAT('[', id, ']'), '' FROM bought WHERE id % 100 = 0;
INSERT INTO wp_wc_webhooks (status, name, user_id, delivery_url, secret, topic) VALUES ('active', 'To the partner', 1, 'https://hooks.partner.example.org/orders', 'canary-webhook-secret', 'order.updated');
INSERT INTO wp_woocommerce_sessions (session_key, session_value, session_expiry) SELECT MD5(id), CONCAT('a:1:{s:5:"email";s:', LENGTH(email), ':"', email, '";}'), 1900000000 FROM person WHERE id <= 200;
INSERT INTO wp_woocommerce_payment_tokens (gateway_id, token, user_id, type) SELECT 'stripe', CONCAT('pm_canary', id), @first + id, 'CC' FROM person WHERE id <= 300;
