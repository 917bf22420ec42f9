//! The sample messages of RFC 5769, and what a hostile or sloppy sender makes of such messages.

use std::net::SocketAddr;

use super::attribute as attr;
use super::integrity::verify_sha1;
use super::*;

const REQUEST: &str = "
    0001 0058 2112a442 b7e7a701bc34d686fa87dfae
    8022 0010 5354554e207465737420636c69656e74
    0024 0004 6e0001ff
    8029 0008 932ff9b151263b36
    0006 0009 6576746a3a6836765920 2020
    0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    8028 0004 e57a3bcf";

const RESPONSE_IPV4: &str = "
    0101 003c 2112a442 b7e7a701bc34d686fa87dfae
    8022 000b 7465737420766563746f7220
    0020 0008 0001a147e112a643
    0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
    8028 0004 c07d4c96";

const RESPONSE_IPV6: &str = "
    0101 0048 2112a442 b7e7a701bc34d686fa87dfae
    8022 000b 7465737420766563746f7220
    0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    0008 0014 a382954e4be67bf11784c97c8292c275bfe3ed41
    8028 0004 c8fb0b4c";

const REQUEST_LONG_TERM: &str = "
    0001 0060 2112a442 78ad3433c6ad72c029da412e
    0006 0012 e3839ee38388e383aae38383e382afe382b90000
    0015 001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
    0014 000b 6578616d706c652e6f726700
    0008 0014 f67024656dd64a3e02b8e0712e85c9a28ca89666";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair[1]) as u8)
        .collect()
}

fn signed_with(message: &Message<'_>, password: &[u8]) -> bool {
    message.with_protected(Integrity::Sha1, |pieces, value| {
        verify_sha1(password, pieces, value)
    })
}

fn address(message: &Message<'_>) -> Option<SocketAddr> {
    attr::read_xor_address(
        message.first(attr::XOR_MAPPED_ADDRESS)?,
        &message.transaction(),
    )
}

#[test]
fn rfc_5769_2_1_sample_request() {
    let bytes = bytes(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert_eq!(message.method(), Method::BINDING);
    assert_eq!(message.first(attr::USERNAME), Some(&b"evtj:h6vY"[..]));
    assert!(message.has_fingerprint());
    assert!(signed_with(&message, b"VOkJxbRl1RmTxUk/WvJxBt"));
    assert!(!signed_with(&message, b"VOkJxbRl1RmTxUk/WvJxBs"));
}

#[test]
fn rfc_5769_2_2_sample_ipv4_response() {
    let bytes = bytes(RESPONSE_IPV4);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.class(), Class::Success);
    assert_eq!(address(&message), Some("192.0.2.1:32853".parse().unwrap()));
    assert!(signed_with(&message, b"VOkJxbRl1RmTxUk/WvJxBt"));
}

#[test]
fn rfc_5769_2_3_sample_ipv6_response() {
    let bytes = bytes(RESPONSE_IPV6);
    let message = Message::parse(&bytes).unwrap();
    let expected = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
    assert_eq!(address(&message), Some(expected.parse().unwrap()));
    assert!(signed_with(&message, b"VOkJxbRl1RmTxUk/WvJxBt"));
}

#[test]
fn rfc_5769_2_4_sample_request_with_long_term_authentication() {
    let bytes = bytes(REQUEST_LONG_TERM);
    let message = Message::parse(&bytes).unwrap();
    let key = Key::long_term("マトリックス", "example.org", "TheMatrIX");
    assert_eq!(message.integrity(), Some(Integrity::Sha1));
    assert!(message.verify(&key));
    assert!(!message.verify(&Key::long_term("マトリックス", "example.org", "TheMatrix")));
}

/// This sample is padded with zeros, so that it can be written again byte for byte.
#[test]
fn the_long_term_sample_is_written_as_it_is_read() {
    let expected = bytes(REQUEST_LONG_TERM);
    let sample = Message::parse(&expected).unwrap();
    let mut buffer = [0xff; 256];
    let mut writer = Writer::new(
        &mut buffer,
        Class::Request,
        Method::BINDING,
        sample.transaction(),
    );
    for (kind, value) in sample.attributes() {
        writer.attribute(kind, value);
    }
    let key = Key::long_term("マトリックス", "example.org", "TheMatrIX");
    let len = writer.integrity(Integrity::Sha1, &key).finish().unwrap();
    assert_eq!(buffer[..len], expected);
}

#[test]
fn both_kinds_of_integrity_and_the_fingerprint_verify_when_written() {
    let key = Key::long_term("u", "r", "p");
    for kind in [Integrity::Sha1, Integrity::Sha256] {
        let mut buffer = [0; 128];
        let transaction = TransactionId([3; 12]);
        let len = Writer::new(&mut buffer, Class::Request, Method::REFRESH, transaction)
            .attribute(attr::LIFETIME, &[0, 0, 2, 88])
            .integrity(kind, &key)
            .fingerprint()
            .finish()
            .unwrap();
        let message = Message::parse(&buffer[..len]).unwrap();
        assert!(message.has_fingerprint());
        assert_eq!(message.integrity(), Some(kind));
        assert!(message.verify(&key));
        buffer[27] ^= 1;
        assert_eq!(
            Message::parse(&buffer[..len]).unwrap_err(),
            Malformed::Fingerprint
        );
    }
}

#[test]
fn method_and_class_are_read_as_they_are_written() {
    let classes = [
        Class::Request,
        Class::Indication,
        Class::Success,
        Class::Error,
    ];
    for method in [0x000, 0x001, 0x009, 0x0ff, 0x5a5, 0xfff] {
        for class in classes {
            let mut buffer = [0; 20];
            let transaction = TransactionId([0; 12]);
            let _ = Writer::new(&mut buffer, class, Method(method), transaction);
            let message = Message::parse(&buffer).unwrap();
            assert_eq!((message.class(), message.method()), (class, Method(method)));
        }
    }
}

/// RFC 8489 appendix B.1, as erratum 6268 corrects it: USERHASH, a nonce cookie that says that
/// usernames may be hidden, PASSWORD-ALGORITHM SHA-256 and MESSAGE-INTEGRITY-SHA256.
const REQUEST_RFC_8489: &str = "
    00010090 2112a442 78ad3433 c6ad72c0 29da412e
    001e0020 4a3cf38f ef6992bd a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704
    00150029 6f624d61 744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39
             46535476 79363473 41000000
    0014000b 6578616d 706c652e 6f726700
    001d0004 00020000
    001c0020 b5c7bf00 5b6c52a2 1c51c5e8 92f81924 136296cb 927c4314 9309278c c6518e65";

#[test]
fn the_sample_of_rfc_8489_is_read_and_written() {
    let (user, realm, password) = ("マトリックス", "example.org", "TheMatrIX");
    let sample = bytes(REQUEST_RFC_8489);
    let message = Message::parse(&sample).unwrap();
    let key = Key::derive(PasswordAlgorithm::Sha256, user, realm, password);
    assert!(message.verify(&key));
    assert!(!message.verify(&Key::long_term(user, realm, password)));
    let hash = user_hash(user, realm);
    assert_eq!(message.first(attr::USERHASH), Some(&hash[..]));
    let mut buffer = [0; 200];
    let len = Writer::new(
        &mut buffer,
        Class::Request,
        Method::BINDING,
        message.transaction(),
    )
    .attribute(attr::USERHASH, &hash)
    .attribute(attr::NONCE, b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")
    .attribute(attr::REALM, realm.as_bytes())
    .attribute(attr::PASSWORD_ALGORITHM, &PasswordAlgorithm::Sha256.value())
    .integrity(Integrity::Sha256, &key)
    .finish()
    .unwrap();
    assert_eq!(buffer[..len], sample);
}

#[test]
fn algorithms_are_read_as_they_are_offered() {
    let offered: Vec<_> = PasswordAlgorithm::OFFER
        .chunks(4)
        .map(|value| PasswordAlgorithm::read(value).unwrap())
        .collect();
    assert_eq!(offered, [PasswordAlgorithm::Sha256, PasswordAlgorithm::Md5]);
    for algorithm in offered {
        assert_eq!(PasswordAlgorithm::read(&algorithm.value()), Some(algorithm));
    }
    for bad in [&[][..], &[0, 1], &[0, 3, 0, 0], &[0, 1, 0, 4, 1, 2, 3, 4]] {
        assert_eq!(PasswordAlgorithm::read(bad), None);
    }
}

#[test]
fn what_follows_the_integrity_attribute_is_not_seen() {
    let key = Key::long_term("u", "r", "p");
    let mut buffer = [0; 128];
    let transaction = TransactionId([3; 12]);
    let len = Writer::new(&mut buffer, Class::Request, Method::ALLOCATE, transaction)
        .integrity(Integrity::Sha1, &key)
        .attribute(attr::LIFETIME, &[0; 4])
        .fingerprint()
        .finish()
        .unwrap();
    let message = Message::parse(&buffer[..len]).unwrap();
    assert!(message.verify(&key));
    assert_eq!(message.first(attr::LIFETIME), None);
}

#[test]
fn of_duplicates_the_first_counts() {
    let mut buffer = [0; 64];
    let transaction = TransactionId([3; 12]);
    let len = Writer::new(&mut buffer, Class::Request, Method::ALLOCATE, transaction)
        .attribute(attr::REALM, b"one")
        .attribute(attr::REALM, b"two")
        .finish()
        .unwrap();
    let message = Message::parse(&buffer[..len]).unwrap();
    assert_eq!(message.first(attr::REALM), Some(&b"one"[..]));
}

#[test]
fn cut_or_lengthened_samples_are_refused_and_never_panic() {
    for sample in [REQUEST, RESPONSE_IPV4, RESPONSE_IPV6, REQUEST_LONG_TERM] {
        let whole = bytes(sample);
        for len in 0..whole.len() {
            assert!(Message::parse(&whole[..len]).is_err());
        }
        let mut longer = whole.clone();
        longer.extend([0; 4]);
        assert!(Message::parse(&longer).is_err());
    }
}

#[test]
fn an_attribute_that_runs_over_the_end_is_refused() {
    let whole = bytes(REQUEST);
    for lie in [17, 80, 0x1000, 0xfffc, 0xffff_u16] {
        let mut changed = whole.clone();
        changed[22..24].copy_from_slice(&lie.to_be_bytes());
        assert!(Message::parse(&changed).is_err(), "{lie}");
    }
}

#[test]
fn a_message_without_the_magic_cookie_is_not_stun() {
    let mut changed = bytes(REQUEST);
    changed[4] ^= 1;
    assert_eq!(Message::parse(&changed).unwrap_err(), Malformed::NotStun);
}

#[test]
fn a_buffer_that_is_too_small_gives_no_message() {
    for len in 0..28 {
        let mut buffer = vec![0; len];
        let mut writer = Writer::new(
            &mut buffer,
            Class::Request,
            Method::ALLOCATE,
            TransactionId([0; 12]),
        );
        assert_eq!(writer.attribute(attr::LIFETIME, &[0; 4]).finish(), None);
    }
}
