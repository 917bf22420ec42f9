//! Join tokens: what lets somebody without an account into one room.

use exchange::Visitor;
use protocol::id::{DeviceId, LoginId, RoomId, UserId};
use protocol::message::MediaState;
use protocol::text::Name;

use super::{Error, Row, Store, args};
use crate::accounts::secrets::SecretHash;

/// Tokens of one account that nobody has come by, and that still can be used.
const WAITING: u32 = 10_000;

/// For how long the device that came by a token may come back by it: longer than any call that
/// somebody sits through.
pub const RETURN_MS: u64 = 12 * 60 * 60 * 1000;

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewJoinToken {
    /// Its name, which is also that of what comes in by it.
    pub id: LoginId,
    /// The hash of what is handed out.
    pub secret: SecretHash,
    /// The room it is for.
    pub room: RoomId,
    /// What the person is called there.
    pub name: Name,
    /// With what they join at once.
    pub join_with: Option<MediaState>,
    /// Until when somebody has to come by it.
    pub expires_ms: u64,
}

/// What came of showing a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It lets this one in, who joins at once with this, or else by the lobby.
    Good(Visitor, Option<MediaState>),
    /// Another device has come by it.
    Used,
    /// It is too old.
    Expired,
    /// There is none, or none any more.
    Unknown,
}

impl Store {
    /// Keeps a token that somebody makes by this sign-in or API token; `false`: too many wait.
    pub async fn add_join_token(
        &self,
        now_ms: u64,
        (user, by): (UserId, LoginId),
        new: &NewJoinToken,
    ) -> Result<bool, Error> {
        let sql = "INSERT INTO join_tokens
                   (id, token_hash, user_id, made_by, room, name, audio, video, expires_ms)
                   SELECT $1, $2, id, $4, $5, $6, $7, $8, $9 FROM users
                   WHERE id = $3 AND closed_ms IS NULL AND
                   (SELECT COUNT(*) FROM join_tokens
                    WHERE user_id = $3 AND device IS NULL AND expires_ms > $10) < $11";
        let values = args![
            new.id,
            new.secret.0,
            user,
            by,
            new.room,
            &new.name,
            new.join_with.map(|media| media.audio),
            new.join_with.map(|media| media.video),
            new.expires_ms,
            now_ms,
            WAITING
        ];
        Ok(self.execute(sql, values).await? > 0)
    }

    /// A device comes by a token. The first one may come back by it, and nobody else comes. What was
    /// made by a sign-in or an API token that is good no more lets nobody in who is not in already.
    pub async fn show_join_token(
        &self,
        now_ms: u64,
        secret: SecretHash,
        device: DeviceId,
    ) -> Result<Shown, Error> {
        let sql = "UPDATE join_tokens SET device = $2, used_ms = COALESCE(used_ms, $3)
                   WHERE token_hash = $1 AND (device = $2 AND used_ms > $4 OR device IS NULL
                   AND expires_ms > $3 AND EXISTS (SELECT 1 FROM users
                       WHERE id = join_tokens.user_id AND role = 'admin' AND closed_ms IS NULL)
                   AND (EXISTS (SELECT 1 FROM api_tokens WHERE id = join_tokens.made_by) OR
                       EXISTS (SELECT 1 FROM logins WHERE id = join_tokens.made_by AND revoked_ms IS NULL)))
                   RETURNING id, room, name, audio, video";
        let back_ms = now_ms.saturating_sub(RETURN_MS);
        let values = args![secret.0, device, now_ms, back_ms];
        let mut open = self.begin().await?;
        let admitted = open.row(sql, values).await?;
        open.commit().await?;
        if let Some(row) = admitted {
            let visitor = Visitor {
                login: row.get("id")?,
                device,
                room: row.get("room")?,
                name: row.get("name")?,
            };
            return Ok(Shown::Good(visitor, join_with(&row)?));
        }
        let sql = "SELECT device, expires_ms FROM join_tokens WHERE token_hash = $1";
        let Some(row) = self.row(sql, args![secret.0]).await? else {
            return Ok(Shown::Unknown);
        };
        Ok(match row.find::<DeviceId>("device")? {
            Some(first) if first != device => Shown::Used,
            Some(_) => Shown::Expired,
            None if row.get::<u64>("expires_ms")? <= now_ms => Shown::Expired,
            None => Shown::Unknown,
        })
    }

    /// Takes a token back; `false`: they have made no such token.
    pub async fn drop_join_token(&self, user: UserId, id: LoginId) -> Result<bool, Error> {
        let sql = "DELETE FROM join_tokens WHERE id = $1 AND user_id = $2";
        Ok(self.execute(sql, args![id, user]).await? > 0)
    }

    /// Whether there is still a token of this name.
    pub async fn has_join_token(&self, id: LoginId) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM join_tokens WHERE id = $1";
        Ok(self.row(sql, args![id]).await?.is_some())
    }
}

fn join_with(row: &Row) -> Result<Option<MediaState>, Error> {
    let both = row.find("audio")?.zip(row.find("video")?);
    Ok(both.map(|(audio, video)| MediaState {
        audio,
        video,
        ..MediaState::default()
    }))
}
