//! What is no shape, and what the name of a field says.

use super::tests::{nets, none, shapes_of};
use super::*;

/// What a site is full of, and what is nobody's.
const ORDINARY: &[&str] = &[
    "8.2.1",
    "1.2.3.4",
    "Version 10.44.12.77",
    "4.9.0.1",
    "v120.0.6099.109",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.6099.109",
    "1,234,567.89",
    "1.234.567,89 €",
    "€ 1 234 567",
    "12.50",
    "19.0000",
    "0.123456789",
    "1 000 000 000",
    "SKU-00012345",
    "ABC-1234-5678-9012",
    "WC-2024-0001234",
    "4006381333931",
    "978-3-16-148410-0",
    "9783161484100",
    "0-306-40615-2",
    "0012345678905",
    "EAN 4006381333931",
    "4012345678901",
    "1700000000",
    "1700000000000",
    "1700000000000000",
    "2024-05-06",
    "2024-05-06 07:08:09",
    "2024-05-06T07:08:09.123Z",
    "06.05.2024",
    "06/05/2024 10:30",
    "05-06-2024",
    "01.02.2024 10:30",
    "20240506070809",
    "#1a2b3c",
    "#00000080",
    "rgba(255, 255, 255, 0.5)",
    "#12345678",
    "margin: 0 1.5em 20px 010px",
    "transform: matrix(1.0000, 0.2500, 0.1250, 1.0000, 12.3456, 7.8901)",
    "M12.3456,7.8901L13.2345,8.1234",
    "d=\"M 12.3456 7.8901 13.2345 8.1234\"",
    "cubic-bezier(0.2500, 0.1000, 0.2500, 1.0000)",
    "6d8fbd4a-60a9-4f2e-8f3a-0dcb7a1b2c3d",
    "00000000-0000-4000-8000-000000000001",
    "12345678-1234-1234-1234-123456789012",
    "order 1000123",
    "#1000123",
    "Order #10001234567",
    "300x200",
    "1920x1080",
    "12 x 34 x 56 mm",
    "1024 768 1280 720",
    "100 200 300 400",
    "0123456789abcdef0123456789abcdef01234567",
    "d41d8cd98f00b204e9800998ecf8427e",
    "W/\"5f3a-18c2e5a7b80\"",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
    "field_5f3a9b2c1d4e5",
    "group_60b7c8d9e0f1a",
    "wp_12345678",
    "page-id-12345678",
    "post-1234567",
    "menu-item-1234567",
    "10:30:45",
    "00:12:34",
    "12:34:56:78",
    "a::before{content:\"\\2014\"}",
    "C::D",
    "127.0.0.1",
    "0.0.0.0",
    "::1",
    "255.255.255.0",
    "UA-12345678-1",
    "GTM-ABC1234",
    "G-ABCDEF1234",
    "ca-pub-1234567890123456",
    "100%",
    "50.0000%",
    "width=device-width, initial-scale=1",
    "Monday to Friday 9-17",
    "Mon-Fri 09:00-17:00",
    "1-2-3-4-5-6-7-8",
    "2023/05/06/1234567",
    "https://example.com/2024/05/06/title-1234567/",
    "image-1024x768.jpg",
    "IMG_20240506_070809.jpg",
    "wp-content/uploads/2024/05/0123456789.jpg",
    "admin-ajax.php?action=x&_wpnonce=0123456789",
    "ffffff",
    "1e10",
    "0x1234567890",
    "AAAAAAA",
    "DE",
    "DE1234",
    "12345",
    "a:2:{i:0;i:1234567;i:1;d:0.12345678;}",
    "nonce",
    "lodash@4.17.21",
    "5 + 12345678",
    "tel",
    "fe::ad",
    "1.0.0.0",
    "The 100 000 000 visitors of 2024",
    "from 1999 to 2024",
    "ISBN 0 306 40615 2",
    "52.5, 13.4",
    "12.0000,13.0000",
];

#[test]
fn what_is_no_shape_stays_in_every_country() {
    let mut wrong = Vec::new();
    for country in ["", "DE", "GB", "US", "FR", "ES", "IT", "NL", "PL", "DK", "BR", "IN", "JP", "RU", "CN"] {
        let found = ORDINARY.iter().map(|text| (text, shapes_of(text, country))).filter(|(_, found)| !found.is_empty());
        wrong.extend(found.map(|(text, found)| format!("{country}: {text}: {found:?}")));
    }
    none(&wrong);
}

#[test]
fn the_name_of_a_field_tells_what_its_numbers_are() {
    let kept = |name: &str, text: &str| masked(&nets("DE"), text, &FieldPath::named(name)).is_none();
    assert!(
        kept("plugin_version", "203.0.113.9") && kept("gtin", "01713920012") && kept("pixel_id", "4111111111111111")
    );
    assert!(!kept("note", "203.0.113.9") && !kept("note", "01713920012") && !kept("last_ip", "1.2.3.4"));
}

#[test]
fn any_text_is_searched_to_its_end() {
    for text in [
        "@",
        "0",
        "(0",
        "+",
        "+4",
        "12.",
        "1:",
        "::1:2:3",
        "é0171 é",
        "eyJ",
        "-----BEGIN PRIVATE KEY",
        "token=",
        "password:\"",
        "\"\"@x",
        "DE",
        "ab12",
        "1.2.3.",
        "0171\u{a0}3920012",
    ] {
        let _ = shapes_of(text, "DE");
    }
}
