//! Every kind of problem: its HTTP status, and what to do, in words that fit every surface. Kinds are named by codes that
//! never change their meaning; `docs/problems.md` lists them.

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// The word for it.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What to do.
    pub fix: &'static str,
}

const fn kind(code: &'static str, status: u16, fix: &'static str) -> ProblemKind {
    ProblemKind { code, status, fix }
}

const AGAIN: &str = "look again, and repeat the request if it is still wanted";

const PROBLEMS: [ProblemKind; 88] = [
    kind("already-initialised", 409, "use the installation as it is"),
    kind("already-set-up", 409, "sign in as a user that there is"),
    kind("already-there", 409, "look at what is there"),
    kind("ambiguous", 409, "give the whole id"),
    kind(
        "approval-not-valid",
        422,
        "sign the statement of this very request, with the key of an officer who is enrolled here",
    ),
    kind("changed-meanwhile", 409, AGAIN),
    kind("code-refused", 403, "ask for a new code"),
    kind(
        "credential-not-valid",
        401,
        "sign in again, or use a token that holds",
    ),
    kind(
        "database-damaged",
        500,
        "restore the database from a backup, or import the exported keysets into a new installation",
    ),
    kind(
        "database-failed",
        500,
        "have the database of the manager looked after",
    ),
    kind(
        "database-full",
        503,
        "have room made on the disk of the manager; nothing was lost",
    ),
    kind(
        "database-schema",
        503,
        "have the database brought up to date on the manager",
    ),
    kind(
        "database-tampered-with",
        500,
        "find out who can write to the database, and restore it from a backup of before",
    ),
    kind(
        "database-unavailable",
        503,
        "try again in a moment; nothing was changed",
    ),
    kind(
        "enrolment-not-usable",
        422,
        "send the enrolment text that the backup server made, whole",
    ),
    kind("enrolment-refused", 409, "look at what is enrolled already"),
    kind(
        "export-cut-short",
        502,
        "what is named was exported; export the others again",
    ),
    kind(
        "export-not-recorded",
        503,
        "keep the file, and export again when the database works",
    ),
    kind(
        "export-not-usable",
        422,
        "send the PEM file of a keyset export, with its PRIVATE KEY block",
    ),
    kind(
        "export-not-verified",
        502,
        "do not rely on the file that is there; see whether somebody else writes to the same name",
    ),
    kind(
        "export-tampered-with",
        422,
        "use another copy of the export; if you must, take its PRIVATE KEY block alone and import that",
    ),
    kind("export-too-long", 413, "check that this is the exported PEM file"),
    kind("forbidden", 403, "ask somebody who has the role for it"),
    kind(
        "given-up",
        500,
        "have the log of the service looked at for why it ended; then ask for the work again",
    ),
    kind("hint-needed", 422, "give a hint"),
    kind(
        "internal",
        500,
        "try again; if it happens again, report it as a bug with the request id",
    ),
    kind(
        "invalid-input",
        422,
        "correct the request; the API's description says what each field takes",
    ),
    kind(
        "job-not-found",
        404,
        "what came of a job is kept for 7 days, for who asked for it",
    ),
    kind(
        "key-not-accepted",
        422,
        "use an RSA keyset of 2048 to 8192 bits with a public exponent from 65537",
    ),
    kind("keyset-active", 409, "activate another keyset first"),
    kind(
        "keyset-already-here",
        409,
        "nothing is to be done: it opens its backups already",
    ),
    kind(
        "keyset-ambiguous",
        409,
        "give more digits of the fingerprint, or the id",
    ),
    kind(
        "keyset-never-exported",
        409,
        "export it first, or give a reason for deleting it all the same",
    ),
    kind("keyset-not-found", 404, "look at the list of keysets"),
    kind(
        "keysets-missing",
        409,
        "import the missing keysets, or ask for a partial answer",
    ),
    kind(
        "master-key-rotated",
        503,
        "repeat the request: it will use the new master key",
    ),
    kind(
        "master-key-unusable",
        503,
        "have the master key of the manager looked after; its log says why",
    ),
    kind("no-active-keyset", 404, "activate a keyset first"),
    kind("no-such-method", 405, "look into the API's description"),
    kind("no-such-route", 404, "look into the API's description"),
    kind("not-acceptable", 406, "ask for one of the forms that there are"),
    kind("not-activated", 409, "look at the keyset"),
    kind("not-found", 404, "look at what there is"),
    kind(
        "not-initialised",
        503,
        "have the installation made on the manager first",
    ),
    kind(
        "not-json",
        415,
        "send JSON with the header Content-Type: application/json",
    ),
    kind(
        "not-signed-in",
        401,
        "sign in, or send a token in the header Authorization: Bearer",
    ),
    kind(
        "not-unlocked",
        422,
        "try the passphrase again, or use another copy of the file",
    ),
    kind("nothing-to-export", 409, "make a keyset first"),
    kind(
        "officer-key-not-usable",
        422,
        "send the line of a .pub file, of a kind of key that signs",
    ),
    kind("officer-not-found", 404, "look at the list of officers"),
    kind(
        "officer-taken",
        409,
        "look at the list of officers: one person and one key are one officer",
    ),
    kind(
        "other-fingerprint",
        422,
        "stop, and find out why it is not the fingerprint of your record",
    ),
    kind(
        "outcome-unknown",
        503,
        "look whether it was done before you repeat the request",
    ),
    kind("overloaded", 503, "try again in a moment"),
    kind("passphrase-needed", 422, "give the passphrase of the export"),
    kind(
        "password-needed",
        403,
        "give the password of who is signed in, in the field password",
    ),
    kind("policy-out-of-bounds", 422, "choose values within the bounds"),
    kind(
        "protection-needed",
        422,
        "give a passphrase, or say that the export is to be unprotected",
    ),
    kind("recovery-not-found", 404, "look at the list of recovery requests"),
    kind(
        "recovery-opens-nothing",
        422,
        "look at the request for what it needs",
    ),
    kind(
        "recovery-partial",
        409,
        "ask for a partial answer, if some of the files are enough",
    ),
    kind("recovery-refused", 409, "look at the request for what it lacks"),
    kind(
        "recovery-request-not-usable",
        422,
        "send the text that the backup server made, whole",
    ),
    kind(
        "recovery-request-replayed",
        409,
        "look at the request that is here, or have the backup server make a new one",
    ),
    kind("refused", 409, "look again"),
    kind(
        "request-forged",
        403,
        "make the request from a page of this service, with the CSRF token of the session",
    ),
    kind("server-not-found", 404, "look at the list of backup servers"),
    kind(
        "server-taken",
        409,
        "choose another name, or enrol it again as the server that it is",
    ),
    kind("server-unknown", 422, "enrol the backup server first"),
    kind(
        "share-failed",
        502,
        "try the share out, and have its settings looked after",
    ),
    kind(
        "share-file-exists",
        409,
        "choose another name, or say that the file may be replaced",
    ),
    kind(
        "share-not-found",
        404,
        "look at the list of shares; they are configured on the manager",
    ),
    kind("share-path-not-found", 404, "look at what is on the share"),
    kind("token-not-found", 404, "look at the list of tokens"),
    kind("token-refused", 422, "choose another role, right or time"),
    kind("too-large", 413, "send less at once"),
    kind(
        "too-many-attempts",
        429,
        "wait, or have an admin of the manager unlock the user",
    ),
    kind(
        "too-many-recovery-requests",
        429,
        "ask for more files in one request, or have the limit raised",
    ),
    kind(
        "too-much-work",
        422,
        "convert the key to a form that takes less work to open",
    ),
    kind("too-slow", 503, "try again; ask for less at once"),
    kind("user-not-found", 404, "look at the list of users"),
    kind("user-refused", 409, "look at the list of users"),
    kind("user-taken", 409, "choose another name"),
    kind("version-changed", 412, AGAIN),
    kind(
        "version-needed",
        428,
        "send the header If-Match with the ETag of what you looked at",
    ),
    kind("weak-passphrase", 422, "choose a longer passphrase"),
    kind(
        "weak-password",
        422,
        "choose a longer password; a few unrelated words are good",
    ),
    kind("wrong-password", 401, "try again"),
];

/// Every kind of problem, by its code.
pub fn every_problem() -> impl Iterator<Item = ProblemKind> {
    PROBLEMS.into_iter()
}

/// The kind with this code. What is not in the table is a bug, and told as one.
pub(super) fn row(code: &str) -> ProblemKind {
    let internal = kind(
        "internal",
        500,
        "try again; if it happens again, report it as a bug with the request id",
    );
    every_problem().find(|kind| kind.code == code).unwrap_or(internal)
}
