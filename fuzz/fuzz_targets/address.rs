//! Addresses: what parses prints as itself, and a redirect is judged as an address is.
#![no_main]

use affiant::base::address::{Address, refuse_ip, refuse_name};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let base = Address::parse("https://example.com/a/b?c").expect("an address");
    let joined = base.join(text);
    let Ok(address) = Address::parse(text) else {
        if let Ok(joined) = joined {
            check(&joined);
        }
        return;
    };
    check(&address);
    if let Ok(joined) = joined {
        check(&joined);
    }
});

fn check(address: &Address) {
    let printed = address.as_str();
    assert_eq!(Address::parse(printed).as_ref(), Ok(address));
    assert!(!printed.contains('#') && !printed.contains(char::is_whitespace));
    assert!(!address.host().is_empty());
    assert!(!address.authority().contains('@'));
    assert!(address.path_and_query().starts_with('/'));
    assert!(printed.starts_with(&address.origin()));
    match address.ip() {
        Some(ip) => assert_eq!(refuse_ip(ip), refuse_ip(ip)),
        None => assert_eq!(refuse_name(address.host()), refuse_name(&address.host().to_ascii_uppercase())),
    }
}
