use protocol::id::{LoginId, UserId};

use super::on_both;
use crate::store::{Store, Subscription, args};

const ADA: UserId = UserId::from_bytes([1; 16]);
const PHONE: LoginId = LoginId::from_bytes([11; 16]);
const LAPTOP: LoginId = LoginId::from_bytes([12; 16]);

async fn sign_in(store: &Store, user: UserId, login: LoginId) {
    let sql = "INSERT INTO users (id, login, login_key, name, name_key, role, created_ms)
               VALUES ($1, $2, $2, $2, $2, 'member', 1) ON CONFLICT (id) DO NOTHING";
    store
        .execute(sql, args![user, user.to_string()])
        .await
        .unwrap();
    let sql = "INSERT INTO logins (id, user_id, secret_hash, name, created_ms, seen_ms)
               VALUES ($1, $2, $3, 'device', 1, 1)";
    let hash = login.as_bytes().repeat(2);
    store.execute(sql, args![login, user, hash]).await.unwrap();
}

fn subscription(login: LoginId, endpoint: &str) -> Subscription {
    Subscription {
        login,
        endpoint: endpoint.to_owned(),
        p256dh: vec![4; 65],
        auth: vec![5; 16],
    }
}

async fn endpoints(store: &Store) -> Vec<(LoginId, String)> {
    let all = store.subscriptions(ADA).await.unwrap();
    all.into_iter().map(|it| (it.login, it.endpoint)).collect()
}

#[test]
fn a_sign_in_has_one_subscription_the_last() {
    on_both(async |fresh| {
        let store = fresh.store;
        sign_in(&store, ADA, PHONE).await;
        sign_in(&store, ADA, LAPTOP).await;
        for endpoint in ["https://a/1", "https://a/2"] {
            let new = subscription(PHONE, endpoint);
            assert!(store.subscribe(1, &new).await.unwrap());
        }
        assert!(
            store
                .subscribe(1, &subscription(LAPTOP, "https://a/3"))
                .await
                .unwrap()
        );
        let both = [
            (PHONE, "https://a/2".into()),
            (LAPTOP, "https://a/3".into()),
        ];
        assert_eq!(endpoints(&store).await, both);
        store.unsubscribe(LAPTOP, "https://a/2").await.unwrap();
        assert_eq!(endpoints(&store).await.len(), 2, "it is not the laptop's");
        store.unsubscribe(LAPTOP, "https://a/3").await.unwrap();
        store.drop_subscription("https://a/2").await.unwrap();
        assert!(endpoints(&store).await.is_empty());
    });
}

#[test]
fn a_browser_wakes_for_whom_it_was_given_last() {
    on_both(async |fresh| {
        let store = fresh.store;
        sign_in(&store, ADA, PHONE).await;
        sign_in(&store, UserId::from_bytes([2; 16]), LAPTOP).await;
        for login in [PHONE, LAPTOP] {
            let new = subscription(login, "https://a/1");
            assert!(store.subscribe(1, &new).await.unwrap());
        }
        assert!(endpoints(&store).await.is_empty());
    });
}

#[test]
fn a_sign_in_that_was_revoked_wakes_nobody() {
    on_both(async |fresh| {
        let store = fresh.store;
        sign_in(&store, ADA, PHONE).await;
        let new = subscription(PHONE, "https://a/1");
        store.subscribe(1, &new).await.unwrap();
        let sql = "UPDATE logins SET revoked_ms = 2 WHERE id = $1";
        store.execute(sql, args![PHONE]).await.unwrap();
        assert!(endpoints(&store).await.is_empty());
        assert!(!store.subscribe(3, &new).await.unwrap());
        assert!(
            !store
                .subscribe(3, &subscription(LAPTOP, "https://a/2"))
                .await
                .unwrap()
        );
    });
}
