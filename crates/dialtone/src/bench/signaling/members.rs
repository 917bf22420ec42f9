//! Accounts for clients that call people.

use protocol::id::UserId;

use super::Member;
use crate::accounts::now_ms;
use crate::accounts::secrets::{Secret, TOKEN_PREFIX};
use crate::bench::random;
use crate::store::{Store, Transaction, args};

/// Makes so many members in a store, each with an API token for calls. Two and two are contacts of
/// each other, as those who call each other are.
pub async fn make_members(store: &Store, count: usize) -> anyhow::Result<Vec<Member>> {
    let now_ms = now_ms();
    let mut transaction = store.begin().await?;
    let mut members: Vec<Member> = Vec::with_capacity(count);
    for index in 0..count {
        let member = make(&mut transaction, now_ms).await?;
        if index % 2 == 1 {
            let peer = members[index - 1].user;
            for (user, contact) in [(member.user, peer), (peer, member.user)] {
                let sql =
                    "INSERT INTO contacts (user_id, contact_id, created_ms) VALUES ($1, $2, $3)";
                transaction
                    .execute(sql, args![user, contact, now_ms])
                    .await?;
            }
        }
        members.push(member);
    }
    transaction.commit().await?;
    Ok(members)
}

async fn make(transaction: &mut Transaction, now_ms: u64) -> anyhow::Result<Member> {
    let user = UserId::from_bytes(random()?);
    let login = format!("bench-{user}");
    let sql = "INSERT INTO users (id, login, login_key, name, name_key, role, created_ms)
         VALUES ($1, $2, $3, $4, $5, 'member', $6)";
    let key = login.to_lowercase();
    let values = args![user, login.clone(), key.clone(), login, key, now_ms];
    transaction.execute(sql, values).await?;

    let secret = Secret::draw()?;
    let (id, hash) = (random::<16>()?.to_vec(), secret.hash().0);
    let sql = "INSERT INTO api_tokens (id, user_id, token_hash, name, scopes, created_ms)
         VALUES ($1, $2, $3, 'bench', 'calls', $4)";
    transaction
        .execute(sql, args![id, user, hash, now_ms])
        .await?;
    Ok(Member {
        user,
        token: format!("{TOKEN_PREFIX}{}", secret.write()),
    })
}
