use std::time::Duration;

use protocol::id::{LoginId, UserId};
use protocol::text::Name;

use super::on_both;
use crate::accounts::names::LoginName;
use crate::accounts::secrets::{Secret, SecretHash};
use crate::accounts::{Role, Scopes};
use crate::store::invitations::{Acceptance, Accepted, NewLink};
use crate::store::logins::{LOGIN_MS, NewLogin};
use crate::store::people::Put;
use crate::store::tokens::{Added, NewToken};
use crate::store::users::{Administered, Changed, Profile};
use crate::store::{Store, Subscription, args};

const NOW: u64 = 1_800_000_000_000;

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn login(n: u8) -> LoginId {
    LoginId::from_bytes([n; 16])
}

fn hash(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

fn name(text: &str) -> Name {
    Name::try_from(text.to_owned()).unwrap()
}

fn sign_in(n: u8) -> NewLogin {
    NewLogin {
        login: login(n),
        secret: hash(n),
        name: "A device".to_owned(),
    }
}

fn link(n: u8, role: Role, resets: Option<UserId>) -> NewLink {
    NewLink {
        id: [n; 16],
        token: hash(n),
        role,
        resets,
        created_by: None,
        expires_ms: NOW + 1000,
    }
}

fn acceptance(n: u8, login: &str, shown: &str) -> Acceptance {
    Acceptance {
        token: hash(n),
        account: Some((user(n), login.parse().unwrap(), name(shown))),
        password: Some(format!("hash of {login}")),
        passkey: None,
        sign_in: sign_in(n),
    }
}

/// An account that a link has made; the link, the user and the first sign-in have this number.
async fn make(store: &Store, n: u8, login: &str, role: Role) {
    store.add_link(NOW, link(n, role, None)).await.unwrap();
    let accepted = store.accept(NOW, acceptance(n, login, login)).await;
    assert!(matches!(accepted.unwrap(), Accepted::Done(made, _) if made == user(n)));
}

#[test]
fn a_link_makes_one_account() {
    on_both(async |fresh| {
        let store = fresh.store;
        store
            .add_link(NOW, link(1, Role::Member, None))
            .await
            .unwrap();
        assert_eq!(store.links(NOW).await.unwrap().len(), 1);
        let found = store.link(NOW, hash(1)).await.unwrap().unwrap();
        assert_eq!((found.role, found.expires_ms), (Role::Member, NOW + 1000));
        assert!(
            store.link(NOW + 1000, hash(1)).await.unwrap().is_none(),
            "too old"
        );
        let late = store.accept(NOW + 1000, acceptance(1, "ada", "Ada")).await;
        assert!(matches!(late.unwrap(), Accepted::Gone));
        let done = store
            .accept(NOW, acceptance(1, "ada", "Ada"))
            .await
            .unwrap();
        assert!(matches!(done, Accepted::Done(made, _) if made == user(1)));
        let again = store
            .accept(NOW, acceptance(1, "ben", "Ben"))
            .await
            .unwrap();
        assert!(matches!(again, Accepted::Gone));
        assert!(store.links(NOW).await.unwrap().is_empty());
        // A name that is taken leaves the link good.
        store
            .add_link(NOW, link(2, Role::Member, None))
            .await
            .unwrap();
        let taken = store
            .accept(NOW, acceptance(2, "ADA", "Ada"))
            .await
            .unwrap();
        assert!(matches!(taken, Accepted::Taken));
        assert!(store.link(NOW, hash(2)).await.unwrap().is_some());
        assert!(store.drop_link([2; 16]).await.unwrap());
        assert!(!store.drop_link([2; 16]).await.unwrap());
        let ada: LoginName = "ada".parse().unwrap();
        let kept = store.password_of(&ada).await.unwrap();
        assert_eq!(kept, Some((user(1), "hash of ada".to_owned())));
        assert_eq!(store.user_named(&ada).await.unwrap(), Some(user(1)));
    });
}

#[test]
fn the_first_link_is_there_until_there_is_an_administrator() {
    on_both(async |fresh| {
        let store = fresh.store;
        assert!(store.add_first_link(NOW, [8; 16], hash(8)).await.unwrap());
        assert!(store.add_first_link(NOW, [9; 16], hash(9)).await.unwrap());
        assert!(
            store.link(NOW, hash(8)).await.unwrap().is_none(),
            "replaced"
        );
        assert!(store.link(NOW, hash(9)).await.unwrap().is_some());
        assert!(
            store.links(NOW).await.unwrap().is_empty(),
            "not among the others"
        );
        make(&store, 1, "ben", Role::Member).await;
        assert!(store.link(NOW, hash(9)).await.unwrap().is_some());
        make(&store, 2, "ada", Role::Admin).await;
        assert!(store.link(NOW, hash(9)).await.unwrap().is_none());
        assert!(!store.add_first_link(NOW, [7; 16], hash(7)).await.unwrap());
        assert!(store.has_administrator().await.unwrap());
    });
}

#[test]
fn sign_ins_are_found_touched_and_revoked() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 1, "ada", Role::Admin).await;
        let found = store.signed_in(NOW, hash(1)).await.unwrap().unwrap();
        assert_eq!((found.user.user, found.login), (user(1), login(1)));
        assert!(found.user.has_password && found.user.call_waiting);
        assert!(store.signed_in(NOW, hash(2)).await.unwrap().is_none());
        assert!(
            store
                .signed_in(NOW + LOGIN_MS, hash(1))
                .await
                .unwrap()
                .is_none(),
            "too old"
        );
        store.touch_login(NOW + 5, login(1)).await.unwrap();
        assert!(
            store
                .signed_in(NOW + LOGIN_MS, hash(1))
                .await
                .unwrap()
                .is_some()
        );
        for n in 2..6 {
            assert!(store.sign_in(NOW + 10, user(1), &sign_in(n)).await.unwrap());
        }
        assert_eq!(store.devices(NOW, user(1)).await.unwrap().len(), 5);
        let before = store.revocations().await.unwrap();
        assert!(
            !store.revoke_login(NOW, user(2), login(2)).await.unwrap(),
            "not theirs"
        );
        assert!(
            store
                .revoke_login(NOW + 20, user(1), login(2))
                .await
                .unwrap()
        );
        assert_ne!(store.revocations().await.unwrap(), before);
        let (logins, users) = store.revoked_since(NOW + 20).await.unwrap();
        assert_eq!((logins, users), (vec![login(2)], vec![]));
        store
            .revoke_other_logins(NOW + 30, user(1), login(1))
            .await
            .unwrap();
        let devices = store.devices(NOW, user(1)).await.unwrap();
        assert_eq!(devices.len(), 1);
        assert_eq!(devices[0].login, login(1));
        let tokens = store
            .set_password(NOW + 40, user(1), "another", login(9))
            .await
            .unwrap();
        assert!(tokens.is_empty(), "there was none");
        assert!(store.signed_in(NOW, hash(1)).await.unwrap().is_none());
        store.forget_logins(NOW + 3 * LOGIN_MS).await.unwrap();
        assert!(store.revoked_since(0).await.unwrap().0.is_empty());
    });
}

#[test]
fn a_password_that_was_changed_in_this_moment_signs_nobody_in() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 1, "ada", Role::Admin).await;
        let old = (user(1), "hash of ada");
        let begun = store.sign_in_by_password(NOW, old, &sign_in(2)).await;
        assert!(begun.unwrap());
        store
            .set_password(NOW, user(1), "another", login(1))
            .await
            .unwrap();
        let begun = store.sign_in_by_password(NOW, old, &sign_in(3)).await;
        assert!(!begun.unwrap());
        assert!(store.signed_in(NOW, hash(3)).await.unwrap().is_none());
    });
}

#[test]
fn nobody_is_signed_in_in_too_many_places() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 200, "ada", Role::Admin).await;
        for n in 0..120 {
            let at_ms = NOW + 1 + u64::from(n);
            store.sign_in(at_ms, user(200), &sign_in(n)).await.unwrap();
        }
        assert_eq!(store.devices(NOW, user(200)).await.unwrap().len(), 100);
        assert!(store.signed_in(NOW, hash(119)).await.unwrap().is_some());
        assert!(
            store.signed_in(NOW, hash(0)).await.unwrap().is_none(),
            "the oldest gave way"
        );
    });
}

#[test]
fn closing_an_account_takes_everything_back() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 1, "ada", Role::Admin).await;
        make(&store, 2, "ben", Role::Member).await;
        let token = NewToken {
            id: login(50),
            secret: hash(50),
            name: "bot".to_owned(),
            scopes: Scopes::of("calls people"),
        };
        let by = (user(2), login(2));
        let added = store.add_token(NOW, by, &token).await.unwrap();
        assert_eq!(added, Added::Kept);
        let holder = store.token_holder(NOW, hash(50)).await.unwrap().unwrap();
        assert_eq!(
            (holder.user.user, holder.scopes),
            (user(2), token.scopes.clone())
        );
        store.touch_token(NOW + 1, login(50)).await.unwrap();
        assert_eq!(
            store.tokens(user(2)).await.unwrap()[0].seen_ms,
            Some(NOW + 1)
        );
        let close = Administered {
            closed: Some(true),
            ..Administered::default()
        };
        let closed = store
            .administer(NOW + 5, user(2), close.clone())
            .await
            .unwrap();
        assert_eq!(closed, Changed::Done(vec![login(50)]));
        assert!(store.user(user(2)).await.unwrap().is_none());
        assert!(store.signed_in(NOW, hash(2)).await.unwrap().is_none());
        assert!(store.token_holder(NOW, hash(50)).await.unwrap().is_none());
        assert!(!store.sign_in(NOW, user(2), &sign_in(3)).await.unwrap());
        assert_eq!(
            store.revoked_since(NOW + 5).await.unwrap(),
            (vec![login(2)], vec![user(2)])
        );
        let listed = store.users().await.unwrap();
        assert_eq!(
            listed.iter().map(|it| it.closed).collect::<Vec<_>>(),
            [false, true]
        );
        let last = store.administer(NOW, user(1), close.clone()).await.unwrap();
        assert_eq!(last, Changed::LastAdministrator);
        let unknown = store.administer(NOW, user(9), close).await.unwrap();
        assert_eq!(unknown, Changed::Unknown);
        let reopen = Administered {
            closed: Some(false),
            role: Some(Role::Admin),
            name: Some(name("Benjamin")),
        };
        let done = store.administer(NOW, user(2), reopen).await.unwrap();
        assert_eq!(done, Changed::Done(vec![]));
        let ben = store.user(user(2)).await.unwrap().unwrap();
        assert_eq!((ben.role, &*ben.name), (Role::Admin, "Benjamin"));
    });
}

#[test]
fn a_reset_link_signs_out_and_is_one_of_a_kind() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 1, "ada", Role::Admin).await;
        for n in [10, 11] {
            let link = link(n, Role::Admin, Some(user(1)));
            store.add_link(NOW, link).await.unwrap();
        }
        let found = store.link(NOW, hash(10)).await.unwrap().unwrap();
        assert_eq!(found.resets.unwrap().1, "ada");
        let asked = Acceptance {
            account: None,
            password: Some("new".to_owned()),
            ..acceptance(10, "x", "x")
        };
        let done = store.accept(NOW, asked).await.unwrap();
        assert!(matches!(done, Accepted::Done(whose, _) if whose == user(1)));
        assert!(store.signed_in(NOW, hash(1)).await.unwrap().is_none());
        assert!(store.signed_in(NOW, hash(10)).await.unwrap().is_some());
        assert!(
            store.link(NOW, hash(11)).await.unwrap().is_none(),
            "the other as well"
        );
        let kept = store.password_of(&"ada".parse().unwrap()).await.unwrap();
        assert_eq!(kept.unwrap().1, "new");
    });
}

#[test]
fn people_are_found_in_any_case_and_to_the_letter() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 1, "ada", Role::Admin).await;
        for (n, shown) in [(2, "Ömer_100%"), (3, "Ben\\Ten"), (4, "omer")] {
            make(&store, n, &format!("user{n}"), Role::Member).await;
            let to = Profile {
                name: Some(name(shown)),
                do_not_disturb: Some(true),
                call_waiting: None,
            };
            store.change_profile(user(n), to).await.unwrap();
        }
        let find = async |text: &str| {
            let found = store.find_people(user(1), text).await.unwrap();
            found
                .iter()
                .map(|seen| seen.login.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(find("öMER").await, ["user2"]);
        assert_eq!(find("%").await, ["user2"]);
        assert_eq!(find("_").await, ["user2"]);
        assert_eq!(find("\\").await, ["user3"]);
        assert_eq!(find("USER").await.len(), 3);
        assert_eq!(find("ada").await, [""; 0], "not oneself");
        assert_eq!(
            store.add_contact(NOW, user(1), user(2)).await.unwrap(),
            Put::Done
        );
        assert_eq!(
            store.add_contact(NOW, user(1), user(2)).await.unwrap(),
            Put::Done
        );
        assert_eq!(
            store.add_block(NOW, user(1), user(3)).await.unwrap(),
            Put::Done
        );
        assert_eq!(
            store.add_block(NOW, user(1), user(1)).await.unwrap(),
            Put::Unknown
        );
        assert_eq!(
            store.add_block(NOW, user(1), user(9)).await.unwrap(),
            Put::Unknown
        );
        let seen = store.find_people(user(1), "").await.unwrap();
        let marks = seen
            .iter()
            .map(|it| (it.login.as_str(), it.contact, it.blocked));
        let expected = [
            ("user3", false, true),
            ("user4", false, false),
            ("user2", true, false),
        ];
        assert_eq!(marks.collect::<Vec<_>>(), expected);
        assert_eq!(store.contacts(user(1)).await.unwrap().len(), 1);
        assert_eq!(store.blocks(user(1)).await.unwrap().len(), 1);
        let person = store.person(user(1)).await.unwrap().unwrap();
        assert_eq!((person.contacts.len(), person.blocked.len()), (1, 1));
        store.drop_contact(user(1), user(2)).await.unwrap();
        store.drop_block(user(1), user(3)).await.unwrap();
        assert!(store.contacts(user(1)).await.unwrap().is_empty());
        assert!(store.blocks(user(1)).await.unwrap().is_empty());
    });
}

#[test]
fn who_is_signed_out_in_this_moment_makes_no_token_and_is_not_woken() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 1, "ada", Role::Admin).await;
        let token = NewToken {
            id: login(50),
            secret: hash(50),
            name: "bot".to_owned(),
            scopes: Scopes::of("calls"),
        };
        let subscription = Subscription {
            login: login(1),
            endpoint: "https://push.example.org/1".to_owned(),
            p256dh: vec![4; 65],
            auth: vec![5; 16],
        };
        let mut open = store.begin().await.unwrap();
        open.revoke_logins(NOW, user(1), None).await.unwrap();
        open.revoke_tokens(user(1)).await.unwrap();
        // What was asked for before that is over.
        let late = store.clone();
        let added = tokio::spawn(async move {
            let by = (user(1), login(1));
            late.add_token(NOW, by, &token).await.unwrap()
        });
        let late = store.clone();
        let woken = tokio::spawn(async move { late.subscribe(NOW, &subscription).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(200)).await;
        open.commit().await.unwrap();
        assert_eq!(added.await.unwrap(), Added::SignedOut);
        assert!(!woken.await.unwrap());
        assert!(store.tokens(user(1)).await.unwrap().is_empty());
        let sql = "SELECT login_id FROM push_subscriptions";
        assert!(store.rows(sql, args![]).await.unwrap().is_empty());
    });
}

#[test]
fn tokens_have_a_limit_and_an_owner() {
    on_both(async |fresh| {
        let store = fresh.store;
        make(&store, 200, "ada", Role::Admin).await;
        let mut kept = 0;
        for n in 0..60 {
            let token = NewToken {
                id: login(n),
                secret: Secret::draw().unwrap().hash(),
                name: "bot".to_owned(),
                scopes: Scopes::of("history"),
            };
            let by = (user(200), login(200));
            let added = store.add_token(NOW, by, &token).await.unwrap();
            kept += u32::from(added == Added::Kept);
        }
        assert_eq!(kept, 50);
        assert!(!store.drop_token(user(1), login(0)).await.unwrap());
        assert!(store.drop_token(user(200), login(0)).await.unwrap());
        assert_eq!(store.tokens(user(200)).await.unwrap().len(), 49);
    });
}
