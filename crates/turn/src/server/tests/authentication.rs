//! The long-term credential mechanism, in the order RFC 8489 section 9.2.4 asks for.

use super::*;

const HERE: &str = "198.51.100.7:4000";

/// A request made of these attributes, then signed.
fn signed(key: &Key, method: Method, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut buffer = [0; 2000];
    let mut writer = Writer::new(&mut buffer, Class::Request, method, TransactionId([1; 12]));
    for (kind, value) in attributes {
        writer.attribute(*kind, value);
    }
    let len = writer.integrity(Integrity::Sha1, key).finish().unwrap();
    buffer[..len].to_vec()
}

/// The attributes a request of alice has to have.
fn parts(nonce: &[u8]) -> Vec<(u16, Vec<u8>)> {
    vec![
        transport_udp(),
        (attr::USERNAME, b"alice".to_vec()),
        (attr::REALM, REALM.into()),
        (attr::NONCE, nonce.to_vec()),
    ]
}

fn answer(world: &mut World, datagram: &[u8]) -> Response {
    Response::of(world.send(HERE.parse().unwrap(), datagram))
}

#[test]
fn no_integrity_is_401_with_realm_and_nonce_and_stays_small() {
    for method in [
        Method::ALLOCATE,
        Method::REFRESH,
        Method::CREATE_PERMISSION,
        Method::CHANNEL_BIND,
    ] {
        let request = message(
            Class::Request,
            method,
            TransactionId([1; 12]),
            &[transport_udp()],
        );
        let response = answer(&mut World::new(), &request);
        assert_eq!(response.code(), 401);
        assert_eq!(response.first(attr::REALM), Some(REALM.into()));
        assert!(response.first(attr::NONCE).is_some());
        assert!(response.bytes.len() <= 96, "{}", response.bytes.len());
        assert_eq!(
            response.first(attr::PASSWORD_ALGORITHMS),
            Some(PasswordAlgorithm::OFFER.to_vec())
        );
    }
}

#[test]
fn integrity_with_a_part_missing_is_400() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    for missing in [attr::USERNAME, attr::REALM, attr::NONCE] {
        let mut parts = parts(&alice.nonce);
        parts.retain(|(kind, _)| *kind != missing);
        let request = signed(&alice.key, Method::ALLOCATE, &parts);
        assert_eq!(answer(&mut world, &request).code(), 400, "{missing:#x}");
    }
}

/// A request with these algorithm attributes, signed with the key of one algorithm.
fn with_algorithms(
    nonce: &[u8],
    made_with: PasswordAlgorithm,
    chosen: Option<&[u8]>,
    offered: Option<&[u8]>,
) -> Vec<u8> {
    let mut attributes = parts(nonce);
    attributes.extend(chosen.map(|value| (attr::PASSWORD_ALGORITHM, value.to_vec())));
    attributes.extend(offered.map(|value| (attr::PASSWORD_ALGORITHMS, value.to_vec())));
    let key = Key::derive(made_with, "alice", REALM, "wonder");
    signed(&key, Method::ALLOCATE, &attributes)
}

#[test]
fn both_algorithms_of_the_offer_are_good_and_none_means_md5() {
    use PasswordAlgorithm::{Md5, Sha256};
    let offer = &PasswordAlgorithm::OFFER[..];
    for (made_with, chosen) in [
        (Md5, None),
        (Md5, Some([0, 1, 0, 0])),
        (Sha256, Some([0, 2, 0, 0])),
    ] {
        let mut world = World::new();
        let mut alice = Client::alice(HERE);
        alice.greet(&mut world);
        let chosen = chosen.as_ref().map(|chosen| &chosen[..]);
        let request = with_algorithms(&alice.nonce, made_with, chosen, chosen.map(|_| offer));
        let response = answer(&mut world, &request);
        assert_eq!(response.code(), 0, "{chosen:?}");
        assert!(response.is_signed_by(&Key::derive(made_with, "alice", REALM, "wonder")));
    }
}

#[test]
fn an_algorithm_without_the_offer_the_offer_alone_or_another_one_are_400() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let offer = Some(&PasswordAlgorithm::OFFER[..]);
    for (chosen, offered) in [
        (Some(&[0, 2, 0, 0][..]), None),
        (Some(&[0, 1, 0, 0]), None),
        (None, offer),
        (Some(&[0, 1, 0, 0]), Some(&[0, 1, 0, 0][..])),
        (Some(&[0, 1, 0, 0]), Some(&[0, 1, 0, 0, 0, 2, 0, 0])),
        (Some(&[0, 3, 0, 0]), offer),
        (Some(&[0, 2]), offer),
        (Some(&[0, 2, 0, 4, 1, 2, 3, 4]), offer),
    ] {
        let made_with = PasswordAlgorithm::Sha256;
        let request = with_algorithms(&alice.nonce, made_with, chosen, offered);
        assert_eq!(
            answer(&mut world, &request).code(),
            400,
            "{chosen:?} {offered:?}"
        );
    }
    let request = with_algorithms(
        &alice.nonce,
        PasswordAlgorithm::Md5,
        Some(&[0, 2, 0, 0]),
        offer,
    );
    assert_eq!(answer(&mut world, &request).code(), 401, "another key");
}

/// Someone on the way takes the offer and the bit that announces it out of the 401, so that the
/// client signs with MD5: its own signature brings the edited nonce back.
#[test]
fn edited_feature_bits_are_438_if_the_integrity_is_good_and_401_if_not() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let mut edited = alice.nonce.clone();
    assert_eq!(&edited[9..13], b"AAAB");
    edited[12] = b'A';
    let request = signed(&alice.key, Method::ALLOCATE, &parts(&edited));
    let response = answer(&mut world, &request);
    assert_eq!(response.code(), 438);
    assert_eq!(
        response.first(attr::PASSWORD_ALGORITHMS),
        Some(PasswordAlgorithm::OFFER.to_vec())
    );
    let guess = Key::long_term("alice", REALM, "guess");
    let request = signed(&guess, Method::ALLOCATE, &parts(&edited));
    assert_eq!(answer(&mut world, &request).code(), 401);
}

/// A request that hides its user's name.
fn hidden(nonce: &[u8], user: &str, key: &Key) -> Vec<u8> {
    let mut attributes = parts(nonce);
    attributes[1] = (attr::USERHASH, user_hash(user, REALM).to_vec());
    signed(key, Method::ALLOCATE, &attributes)
}

#[test]
fn a_static_user_may_hide_the_name_and_an_ephemeral_one_cannot() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let carol = Client::with_minted(HERE, "carol", START_UNIX + 60);
    for (user, key) in [
        ("nobody", &alice.key),
        ("bob", &alice.key),
        (&carol.username, &carol.key),
    ] {
        let request = hidden(&alice.nonce, user, key);
        assert_eq!(answer(&mut world, &request).code(), 401, "{user}");
    }
    let mut short = parts(&alice.nonce);
    short[1] = (attr::USERHASH, vec![1; 31]);
    let request = signed(&alice.key, Method::ALLOCATE, &short);
    assert_eq!(answer(&mut world, &request).code(), 401);

    let request = hidden(&alice.nonce, "alice", &alice.key);
    let response = answer(&mut world, &request);
    assert_eq!(response.code(), 0);
    assert!(response.is_signed_by(&alice.key));
    assert_eq!(
        alice.refresh(&mut world, 600).code(),
        0,
        "the same user under the name"
    );
}

#[test]
fn names_are_asked_to_be_hidden_only_where_all_can_be_found() {
    let mut config = config();
    let mut world = World::with(config.clone());
    let mut alice = Client::alice(HERE);
    assert!(alice.greet(&mut world).nonce.starts_with(b"obMatJos2AAAB"));
    config.credentials = Credentials::new(REALM).unwrap();
    config.credentials.add_user("alice", "wonder");
    let mut world = World::with(config);
    assert!(alice.greet(&mut world).nonce.starts_with(b"obMatJos2AAAD"));
}

#[test]
fn a_hidden_name_goes_on_being_good_on_its_allocation_after_the_user_is_gone() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    world.server.credentials = Credentials::new(REALM).unwrap();
    let mut attributes = parts(&alice.nonce);
    attributes[1] = (attr::USERHASH, user_hash("alice", REALM).to_vec());
    let request = signed(&alice.key, Method::REFRESH, &attributes);
    assert_eq!(answer(&mut world, &request).code(), 0);
}

#[test]
fn ephemeral_passwords_may_be_made_with_sha_256() {
    let mut world = World::new();
    let username = format!("{}:carol", START_UNIX + 60);
    let password = protocol::relay::password_sha256(SECRET, &username);
    let mut carol = Client::new(HERE, &username, &password);
    assert_eq!(carol.greet(&mut world).allocate(&mut world).code(), 0);
}

#[test]
fn a_shortened_sha256_value_is_not_enough() {
    for (len, code) in [
        (32, 0),
        (28, 401),
        (20, 401),
        (16, 401),
        (12, 401),
        (0, 401),
        (18, 401),
    ] {
        let mut world = World::new();
        let mut alice = Client::alice(HERE);
        alice.greet(&mut world);
        let mut buffer = [0; 500];
        let transaction = TransactionId([1; 12]);
        let mut writer = Writer::new(&mut buffer, Class::Request, Method::ALLOCATE, transaction);
        for (kind, value) in parts(&alice.nonce) {
            writer.attribute(kind, &value);
        }
        let whole_len = writer.finish().unwrap();
        // What is signed has the length of the shortened message.
        let padded = usize::next_multiple_of(len, 4);
        let end = whole_len + 4 + padded;
        buffer[2..4].copy_from_slice(&((end - 20) as u16).to_be_bytes());
        let value = hmac_sha256(&buffer[..whole_len]);
        buffer[whole_len..][..2].copy_from_slice(&attr::MESSAGE_INTEGRITY_SHA256.to_be_bytes());
        buffer[whole_len + 2..][..2].copy_from_slice(&(len as u16).to_be_bytes());
        buffer[whole_len + 4..][..len].copy_from_slice(&value[..len]);
        assert_eq!(answer(&mut world, &buffer[..end]).code(), code, "{len}");
    }
}

fn hmac_sha256(bytes: &[u8]) -> [u8; 32] {
    use hmac::{Hmac, KeyInit, Mac};
    use md5::Digest;
    let key = md5::Md5::digest(format!("alice:{REALM}:wonder"));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

#[test]
fn unknown_user_wrong_password_and_wrong_realm_get_the_same_401() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let mut lengths = Vec::new();
    for (user, realm) in [("mallory", REALM), ("alice", REALM), ("alice", "other.org")] {
        let key = Key::long_term(user, realm, "guess");
        let mut parts = parts(&alice.nonce);
        parts[1].1 = user.into();
        parts[2].1 = realm.into();
        let response = answer(&mut world, &signed(&key, Method::ALLOCATE, &parts));
        assert_eq!(response.code(), 401);
        assert_eq!(response.first(attr::REALM), Some(REALM.into()));
        lengths.push(response.bytes.len());
    }
    assert!(lengths.iter().all(|len| *len == lengths[0]));
}

#[test]
fn a_stale_or_foreign_nonce_is_438_if_the_integrity_is_good_and_401_if_not() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let mut elsewhere = Client::alice("198.51.100.8:4000");
    elsewhere.greet(&mut world);
    let stale = alice.nonce.clone();
    world.wait(3600);
    for nonce in [&stale[..], &elsewhere.nonce, b"forged", &[b'x'; 700]] {
        let response = answer(
            &mut world,
            &signed(&alice.key, Method::ALLOCATE, &parts(nonce)),
        );
        assert_eq!(response.code(), 438);
        assert_eq!(response.first(attr::REALM), Some(REALM.into()));
        assert!(
            response
                .first(attr::NONCE)
                .is_some_and(|fresh| fresh != nonce)
        );
        assert_eq!(response.message().integrity(), None);
        let wrong = Key::long_term("alice", REALM, "guess");
        let response = answer(&mut world, &signed(&wrong, Method::ALLOCATE, &parts(nonce)));
        assert_eq!(response.code(), 401);
    }
}

#[test]
fn the_nonce_of_a_438_is_good() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    world.wait(500);
    alice.nonce = b"stale".to_vec();
    let response = alice.refresh(&mut world, 600);
    assert_eq!(response.code(), 438);
    alice.nonce = response.first(attr::NONCE).unwrap();
    assert_eq!(alice.refresh(&mut world, 600).code(), 0);
}

#[test]
fn ephemeral_credentials_are_good_until_they_expire() {
    let mut world = World::new();
    let mut carol = Client::with_minted(HERE, "carol", START_UNIX + 60);
    assert_eq!(carol.greet(&mut world).allocate(&mut world).code(), 0);
    world.wait(60);
    let mut late = Client::with_minted("198.51.100.7:4001", "carol", START_UNIX + 60);
    assert_eq!(late.greet(&mut world).allocate(&mut world).code(), 401);
}

#[test]
fn refresh_goes_on_after_the_credential_expired_until_the_allocation_is_too_old() {
    let mut world = World::new();
    let mut carol = Client::with_minted(HERE, "carol", START_UNIX + 60);
    carol.allocated(&mut world);
    for _ in 0..23 {
        world.wait(500);
        assert_eq!(carol.refresh(&mut world, 3600).lifetime(), Some(3600));
        world.wait(3099);
        carol.greet(&mut world);
    }
    world.wait(100);
    let left = 86_400 - 23 * 3599 - 100;
    assert_eq!(carol.refresh(&mut world, 3600).lifetime(), Some(left));
    world.wait(3700);
    assert_eq!(carol.greet(&mut world).refresh(&mut world, 600).code(), 437);
}

#[test]
fn a_refresh_survives_the_replacement_of_the_secret() {
    let mut world = World::new();
    let mut carol = Client::with_minted(HERE, "carol", START_UNIX + 60);
    carol.allocated(&mut world);
    world.server.credentials = Credentials::new(REALM).unwrap();
    assert_eq!(carol.refresh(&mut world, 600).code(), 0);
    assert_eq!(
        Client::alice("198.51.100.8:1")
            .greet(&mut world)
            .allocate(&mut world)
            .code(),
        401
    );
}

#[test]
fn another_user_on_an_allocation_is_441() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    let mut bob = Client::new(HERE, "bob", "builder");
    bob.nonce = alice.nonce.clone();
    for method in [
        Method::ALLOCATE,
        Method::REFRESH,
        Method::CREATE_PERMISSION,
        Method::CHANNEL_BIND,
    ] {
        let response = bob.ask(&mut world, method, &[transport_udp()]);
        assert_eq!(response.code(), 441);
    }
    assert_eq!(alice.refresh(&mut world, 600).code(), 0);
}

#[test]
fn sha256_integrity_is_checked_and_answered_in_kind() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let mut buffer = [0; 500];
    let mut writer = Writer::new(
        &mut buffer,
        Class::Request,
        Method::ALLOCATE,
        TransactionId([1; 12]),
    );
    for (kind, value) in parts(&alice.nonce) {
        writer.attribute(kind, &value);
    }
    let len = writer
        .integrity(Integrity::Sha256, &alice.key)
        .finish()
        .unwrap();
    let response = answer(&mut world, &buffer[..len]);
    assert_eq!(response.code(), 0);
    assert_eq!(response.message().integrity(), Some(Integrity::Sha256));
    assert!(response.is_signed_by(&alice.key));
}

#[test]
fn an_unknown_attribute_is_401_without_and_420_with_credentials() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let unknown = (0x7ffe, vec![1, 2]);
    let bare = message(
        Class::Request,
        Method::ALLOCATE,
        TransactionId([1; 12]),
        std::slice::from_ref(&unknown),
    );
    assert_eq!(answer(&mut world, &bare).code(), 401);
    let response =
        alice
            .greet(&mut world)
            .ask(&mut world, Method::ALLOCATE, &[transport_udp(), unknown]);
    assert_eq!(response.code(), 420);
    assert_eq!(
        response.first(attr::UNKNOWN_ATTRIBUTES),
        Some(vec![0x7f, 0xfe])
    );
}

#[test]
fn what_follows_the_integrity_attribute_is_ignored() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let mut buffer = [0; 500];
    let mut writer = Writer::new(
        &mut buffer,
        Class::Request,
        Method::ALLOCATE,
        TransactionId([1; 12]),
    );
    for (kind, value) in parts(&alice.nonce) {
        writer.attribute(kind, &value);
    }
    let len = writer
        .integrity(Integrity::Sha1, &alice.key)
        .attribute(0x7ffe, &[1])
        .attribute(attr::LIFETIME, &3600_u32.to_be_bytes())
        .finish()
        .unwrap();
    let response = answer(&mut world, &buffer[..len]);
    assert_eq!((response.code(), response.lifetime()), (0, Some(600)));
}

#[test]
fn odd_names_are_refused_and_nothing_breaks() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    for name in [
        &b"%n%n%s"[..],
        b"a\"b'c",
        b"x\r\ny",
        b"nul\0",
        b"\xff\xfe\x80",
        b"",
        b"99999999999999999999999999:x",
        &[b'a'; 509],
        &[b'1'; 1200],
    ] {
        let mut parts = parts(&alice.nonce);
        parts[1].1 = name.to_vec();
        let response = answer(&mut world, &signed(&alice.key, Method::ALLOCATE, &parts));
        assert_eq!(response.code(), 401);
    }
}

#[test]
fn strangers_are_answered_at_a_bounded_rate_and_users_always() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    let bare = message(
        Class::Request,
        Method::ALLOCATE,
        TransactionId([1; 12]),
        &[],
    );
    let wrong = Key::long_term("alice", REALM, "guess");
    let guess = signed(&wrong, Method::ALLOCATE, &parts(&alice.nonce));
    let answered = |world: &mut World, datagram: &[u8]| {
        (0..5000)
            .filter(|_| world.send(HERE.parse().unwrap(), datagram) != Output::Nothing)
            .count()
    };
    assert!((900..=1000).contains(&answered(&mut world, &bare)));
    assert_eq!(answered(&mut world, &guess), 100);
    for _ in 0..5000 {
        assert_eq!(alice.request_and_refresh(&mut world), 0);
    }
    world.wait(1);
    assert_eq!(answered(&mut world, &bare), 1000);
    assert_eq!(answered(&mut world, &guess), 10);
}

#[test]
fn a_flood_from_everywhere_leaves_no_state() {
    let mut world = World::new();
    let bare = message(
        Class::Request,
        Method::ALLOCATE,
        TransactionId([1; 12]),
        &[],
    );
    for source in 0..200_000_u32 {
        let source = SocketAddr::new((0x0100_0000 + source * 7).to_be_bytes().into(), 4000);
        let _ = world.send(source, &bare);
    }
    assert_eq!(world.server.counters().allocations, 0);
    assert_eq!(world.server.poll_timeout(), None);
}

impl Client {
    fn request_and_refresh(&mut self, world: &mut World) -> u16 {
        let request = self.request_again(Method::REFRESH, &[lifetime(600)]);
        Response::of(world.send(self.address, &request)).code()
    }
}
