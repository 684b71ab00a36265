use std::time::Duration;

use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, Actor, AuditEvent, Outcome, PersonName, Reason, Removal, Role, SecretBytes, Token, TokenId,
    secret_digest, token_text,
};

use super::{AccessError, RecordAccess};
use crate::ports::{Randomness, RandomnessExt};
use crate::use_cases::shared::again_on_conflict;

/// Looks after the tokens of programs.
pub struct ManageTokens<'a> {
    /// Where tokens are kept.
    pub records: RecordAccess<'a>,
    /// Makes their secrets.
    pub randomness: &'a dyn Randomness,
}

/// A token to be made.
pub struct TokenRequest {
    /// What it is for.
    pub name: PersonName,
    /// What it may do.
    pub role: Role,
    /// Whether it may export private keys.
    pub may_export: bool,
    /// How long it holds.
    pub lifetime: Duration,
}

/// A token that was made.
pub struct NewToken {
    /// The token itself, shown once.
    pub secret: SecretBytes,
    /// What is kept of it.
    pub token: Token,
}

impl ManageTokens<'_> {
    /// Every token, those that are over too, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what the manager did not sign.
    pub async fn list(&self) -> Result<Vec<Token>, AccessError> {
        let mut snapshot = self.records.store.snapshot().await?;
        let mut tokens = self.records.all::<Token>(&mut *snapshot, None).await?;
        tokens.sort_by_key(|token| (std::cmp::Reverse(token.created_at), token.id));
        Ok(tokens)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When the role cannot have one, or the time is out of bounds.
    pub async fn create(&self, actor: &Actor, request: TokenRequest) -> Result<NewToken, AccessError> {
        let TokenRequest {
            name,
            role,
            may_export,
            lifetime,
        } = request;
        Token::check_new(role, may_export)?;
        let lifetime = Token::check_lifetime(lifetime)?;
        let signer = self.records.signer().await?;
        let secret = token_text(&*self.randomness.secret()?);
        let now = self.records.clock.now();
        let token = Token {
            id: TokenId::from_random_bytes(self.randomness.bytes()?),
            version: Version(1),
            name,
            role,
            may_export,
            digest: secret_digest(secret.expose()).map_err(|_| AccessError::NotKnown)?,
            created_by: actor.to_string(),
            created_at: now,
            expires_at: now.after(lifetime),
            revoked: None,
        };
        let mut unit = self.records.store.begin().await?;
        signer.put(&mut *unit, &token).await?;
        let event = AuditEvent::new(now, actor.clone(), Action::TokenCreate, Outcome::Done)
            .on(token.id)
            .with("name", &token.name)
            .with("role", role)
            .with("may_export", may_export)
            .with("until", token.expires_at);
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(NewToken { secret, token })
    }

    /// Revokes a token, at once and for good.
    ///
    /// # Errors
    /// When there is no such token.
    pub async fn revoke(
        &self,
        actor: &Actor,
        id: &str,
        reason: Option<&Reason>,
    ) -> Result<Token, AccessError> {
        let signer = self.records.signer().await?;
        let not_found = || AccessError::NoSuchToken(id.chars().take(64).collect());
        let wanted: TokenId = id.parse().map_err(|_| not_found())?;
        let revoke = || async {
            let mut unit = self.records.store.begin().await?;
            let tokens = self.records.all::<Token>(&mut *unit, None).await?;
            let token = tokens.into_iter().find(|token| token.id == wanted);
            let token = token.ok_or_else(not_found)?;
            if token.revoked.is_some() {
                return Ok(token);
            }
            let now = self.records.clock.now();
            let revoked = token.revoked(Removal {
                at: now,
                reason: reason.cloned(),
            });
            signer.put(&mut *unit, &revoked).await?;
            let event = AuditEvent::new(now, actor.clone(), Action::TokenRevoke, Outcome::Done)
                .on(revoked.id)
                .with("name", &revoked.name);
            let event = match reason {
                Some(reason) => event.with("reason", reason),
                None => event,
            };
            unit.append_audit(&event).await?;
            unit.commit().await?;
            Ok(revoked)
        };
        again_on_conflict(revoke).await
    }
}
