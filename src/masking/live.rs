//! What in a value would act live: keys of providers' in whatever encoding, and switches that say so in their own words.

pub(crate) use super::nets::shapes::keys::LiveText;
use super::nets::shapes::keys::live_in_plain;
use super::residue::decoded::Decoder;
pub(crate) use super::switches::says_live;

/// The keys in a value with which somebody acts in an account at a provider's, whatever escapes, Base64 or hexadecimal they stand behind.
pub(crate) fn live_in(value: &str) -> Vec<LiveText> {
    let mut found: Vec<_> = live_in_plain(value).collect();
    let mut show = |decoded: &[u8]| found.extend(live_in_plain(&String::from_utf8_lossy(decoded)));
    // What is packed so deep that nobody can look through it says nothing about itself.
    if !Decoder::default().each(value.as_bytes(), &mut show) {
        found
            .push(LiveText { of: "anybody, since it is packed too deep to be looked through", text: value.to_owned() });
    }
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_key_is_found_in_any_encoding() {
        let key = "sk_live_51Invented0001";
        let json = format!("{{\"stripe\": {{\"key\": \"{key}\"}}}}");
        for value in [
            key.to_owned(),
            json.clone(),
            STANDARD.encode(&json),
            data_encoding::HEXLOWER.encode(key.as_bytes()),
            format!("a=1&key={}", key.replace('_', "%5F")),
            json.replace('_', "\\u005f"),
        ] {
            assert!(live_in(&value).iter().any(|found| found.text == key && found.of == "Stripe"), "{value}");
        }
        assert!(live_in(&STANDARD.encode("sk_test_51Invented0001 and nothing else")).is_empty());
    }

    #[test]
    fn a_switch_says_live_where_it_is_about_money_or_mail() {
        for (name, value) in [
            ("PAYPAL_MODE", "live"),
            ("STRIPE_LIVEMODE", "true"),
            ("PAYMENT_SANDBOX", "false"),
            ("CHECKOUT_SETTINGS", "{\"testmode\": \"no\", \"secret_key\": \"x\"}"),
        ] {
            assert!(says_live(name, value), "{name}");
        }
        for (name, value) in [
            ("NODE_ENV", "production"),
            ("APP_ENV", "production"),
            ("ENVIRONMENT", "production"),
            ("PAYPAL_MODE", "sandbox"),
            ("STRIPE_LIVEMODE", "false"),
            ("PAYMENT_SANDBOX", "true"),
            ("STATUS", "live"),
        ] {
            assert!(!says_live(name, value), "{name}");
        }
    }
}
