use protocol::id::{DeviceId, LoginId, RoomId, UserId};
use protocol::message::MediaState;

use super::on_both;
use crate::accounts::Role;
use crate::accounts::names::LoginName;
use crate::accounts::secrets::SecretHash;
use crate::store::invitations::{Acceptance, NewLink};
use crate::store::join_tokens::{NewJoinToken, RETURN_MS, Shown};
use crate::store::logins::NewLogin;
use crate::store::{Store, args};

const NOW: u64 = 1_800_000_000_000;
const ADA: UserId = UserId::from_bytes([1; 16]);
const LOGIN: LoginId = LoginId::from_bytes([1; 16]);
const PHONE: DeviceId = DeviceId::from_bytes([1; 16]);
const LAPTOP: DeviceId = DeviceId::from_bytes([2; 16]);

fn hash(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

/// The administrator, signed in.
async fn administrator(store: &Store) {
    let link = NewLink {
        id: [1; 16],
        token: hash(1),
        role: Role::Admin,
        resets: None,
        created_by: None,
        expires_ms: NOW + 1000,
    };
    store.add_link(NOW, link).await.unwrap();
    let login: LoginName = "ada".parse().unwrap();
    let acceptance = Acceptance {
        token: hash(1),
        account: Some((ADA, login, "Ada".to_owned().try_into().unwrap())),
        password: None,
        passkey: None,
        sign_in: NewLogin {
            login: LOGIN,
            secret: hash(1),
            name: "A device".to_owned(),
        },
    };
    store.accept(NOW, acceptance).await.unwrap();
}

/// On both databases: the administrator has made token 7.
fn with_a_token(test: impl AsyncFn(&Store)) {
    on_both(async |fresh| {
        administrator(&fresh.store).await;
        add(&fresh.store, &token(7)).await;
        test(&fresh.store).await;
    });
}

fn token(n: u8) -> NewJoinToken {
    NewJoinToken {
        id: LoginId::from_bytes([n; 16]),
        secret: hash(n),
        room: RoomId::from_bytes([9; 16]),
        name: "Patient".to_owned().try_into().unwrap(),
        join_with: None,
        expires_ms: NOW + 1000,
    }
}

async fn add(store: &Store, new: &NewJoinToken) {
    assert!(store.add_join_token(NOW, (ADA, LOGIN), new).await.unwrap());
}

async fn show(store: &Store, at_ms: u64, n: u8, device: DeviceId) -> Shown {
    store.show_join_token(at_ms, hash(n), device).await.unwrap()
}

#[test]
fn the_first_device_comes_in_and_back_and_no_other_does() {
    with_a_token(async |store| {
        for at_ms in [NOW, NOW + 999, NOW + 5000, NOW + RETURN_MS - 1] {
            let Shown::Good(visitor, join_with) = show(store, at_ms, 7, PHONE).await else {
                panic!("not let in after {} ms", at_ms - NOW);
            };
            assert_eq!((visitor.login, visitor.device), (token(7).id, PHONE));
            assert_eq!((visitor.room, visitor.name), (token(7).room, token(7).name));
            assert_eq!(join_with, None);
            assert_eq!(show(store, at_ms, 7, LAPTOP).await, Shown::Used);
        }
        let late = NOW + RETURN_MS;
        assert_eq!(show(store, late, 7, PHONE).await, Shown::Expired);
        assert_eq!(show(store, late, 7, LAPTOP).await, Shown::Used);
        assert_eq!(show(store, NOW, 8, PHONE).await, Shown::Unknown);
    });
}

#[test]
fn a_token_that_nobody_came_by_in_time_lets_nobody_in() {
    with_a_token(async |store| {
        let late = NOW + 1000;
        assert_eq!(show(store, late, 7, PHONE).await, Shown::Expired);
        // Nor does a look at it bind it.
        assert!(matches!(
            show(store, late - 1, 7, LAPTOP).await,
            Shown::Good(..)
        ));
    });
}

#[test]
fn of_many_devices_at_once_one_comes_in() {
    with_a_token(async |store| {
        let shown = (0..20).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { show(&store, NOW, 7, DeviceId::from_bytes([n; 16])).await })
        });
        let mut good = 0;
        for task in shown.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Shown::Good(..) => good += 1,
                other => assert_eq!(other, Shown::Used),
            }
        }
        assert_eq!(good, 1);
    });
}

#[test]
fn what_it_says_is_kept() {
    on_both(async |fresh| {
        let store = fresh.store;
        administrator(&store).await;
        for (n, audio, video) in [(7, true, false), (8, false, true), (9, false, false)] {
            let media = MediaState {
                audio,
                video,
                ..MediaState::default()
            };
            let new = NewJoinToken {
                join_with: Some(media),
                ..token(n)
            };
            add(&store, &new).await;
            let shown = show(&store, NOW, n, PHONE).await;
            assert!(matches!(shown, Shown::Good(_, Some(found)) if found == media));
        }
    });
}

#[test]
fn what_was_made_by_a_sign_in_that_is_over_lets_in_only_who_was_in() {
    with_a_token(async |store| {
        add(store, &token(8)).await;
        show(store, NOW, 7, PHONE).await;
        store.revoke_login(NOW, ADA, LOGIN).await.unwrap();
        assert_eq!(show(store, NOW, 8, PHONE).await, Shown::Unknown);
        assert!(matches!(show(store, NOW, 7, PHONE).await, Shown::Good(..)));
    });
}

#[test]
fn who_is_no_administrator_any_more_lets_nobody_in() {
    with_a_token(async |store| {
        let sql = "UPDATE users SET role = 'member' WHERE id = $1";
        store.execute(sql, args![ADA]).await.unwrap();
        assert_eq!(show(store, NOW, 7, PHONE).await, Shown::Unknown);
    });
}

#[test]
fn one_that_is_taken_back_is_gone_and_only_its_maker_takes_it_back() {
    with_a_token(async |store| {
        let (id, other) = (token(7).id, UserId::from_bytes([2; 16]));
        assert!(!store.drop_join_token(other, id).await.unwrap());
        assert!(store.has_join_token(id).await.unwrap());
        assert!(store.drop_join_token(ADA, id).await.unwrap());
        assert!(!store.drop_join_token(ADA, id).await.unwrap());
        assert!(!store.has_join_token(id).await.unwrap());
        assert_eq!(show(store, NOW, 7, PHONE).await, Shown::Unknown);
    });
}

#[test]
fn old_ones_are_tidied_away_when_nobody_can_come_back_by_them() {
    with_a_token(async |store| {
        add(store, &token(8)).await;
        show(store, NOW, 7, PHONE).await;
        store.tidy(NOW + RETURN_MS).await.unwrap();
        assert!(store.has_join_token(token(7).id).await.unwrap());
        assert!(store.has_join_token(token(8).id).await.unwrap());
        store.tidy(NOW + RETURN_MS + 1001).await.unwrap();
        assert!(!store.has_join_token(token(7).id).await.unwrap());
        assert!(!store.has_join_token(token(8).id).await.unwrap());
    });
}
