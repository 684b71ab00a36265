//! Who may do what: every route, as every role, and as nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::cli::recovery::enrolled_token;
use support::{Answer, Client, Machine, Served, initialised};

/// Each route, and who may use it: an admin (a), a recovery officer (o), an auditor (u), a backup server (s), everybody
/// who is known (k), or everybody (-).
const TABLE: &str = "
GET    /healthz                            -
GET    /readyz                             -
GET    /metrics                            au
POST   /v1/setup                           -
POST   /v1/sessions                        -
DELETE /v1/sessions/current                aou
GET    /v1/me                              k
PUT    /v1/me/password                     aou
GET    /v1/keysets                         au
POST   /v1/keysets                         a
POST   /v1/keysets/export                  a
POST   /v1/keysets/export-to-share         a
POST   /v1/keysets/inspect                 a
POST   /v1/keysets/import                  a
GET    /v1/keysets/{keyset}                au
PATCH  /v1/keysets/{keyset}                a
DELETE /v1/keysets/{keyset}                a
POST   /v1/keysets/{keyset}/activate       a
GET    /v1/keysets/{keyset}/public-key     aous
GET    /v1/shares                          a
POST   /v1/shares/{share}/test             a
GET    /v1/servers                         aou
POST   /v1/servers                         a
GET    /v1/servers/{server}                aou
DELETE /v1/servers/{server}                a
POST   /v1/server-codes                    a
POST   /v1/enrolments                      -
GET    /v1/officers                        aou
POST   /v1/officers                        a
DELETE /v1/officers/{officer}              a
GET    /v1/policy                          aou
PATCH  /v1/policy                          a
GET    /v1/recoveries                      aou
POST   /v1/recoveries                      o
GET    /v1/recoveries/{recovery}           aou
GET    /v1/recoveries/{recovery}/statement aou
POST   /v1/recoveries/{recovery}/approvals o
POST   /v1/recoveries/{recovery}/deny      o
POST   /v1/recoveries/{recovery}/response  o
POST   /v1/server/recoveries               s
GET    /v1/server/recoveries/{recovery}    s
GET    /v1/audit/events                    au
GET    /v1/audit/verification              au
POST   /v1/audit/checkpoints               au
POST   /v1/audit/export                    au
GET    /v1/users                           a
POST   /v1/users                           a
GET    /v1/users/{user}                    a
PATCH  /v1/users/{user}                    a
DELETE /v1/users/{user}                    a
POST   /v1/users/{user}/unlock             a
GET    /v1/tokens                          a
POST   /v1/tokens                          a
DELETE /v1/tokens/{token}                  a
GET    /v1/jobs                            ao
GET    /v1/jobs/{job}                      ao
";

const ROLES: [(&str, char); 3] = [("admin", 'a'), ("recovery-officer", 'o'), ("auditor", 'u')];

fn table() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split_whitespace();
        (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        )
    })
}

/// A path that leads to nothing there is, and a body with nothing in it: what may be done is refused for that.
fn harmless(path: &str) -> String {
    let mut harmless = String::new();
    for part in path.split('/').skip(1) {
        harmless.push('/');
        harmless.push_str(match part {
            "{user}" => "nobody",
            part if part.starts_with('{') => "00000000-0000-4000-8000-000000000000",
            part => part,
        });
    }
    harmless
}

fn try_out(client: &Client, method: &str, path: &str) -> Answer {
    let body = json!({});
    client.call(
        method,
        &harmless(path),
        Some(&body).filter(|_| method != "GET"),
        &[],
    )
}

#[test]
fn the_table_is_the_whole_api() {
    let machine = initialised();
    let served = Served::start(&machine);
    let api = served.client(&machine).get("/openapi.json").ok(200).json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = BTreeSet::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let listed: BTreeSet<_> = table()
        .map(|(method, path, _)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(described, listed);
    for (method, path, who) in table() {
        let operation = &api["paths"][path][method.to_lowercase()];
        assert_eq!(
            operation["security"].as_array().unwrap().is_empty(),
            who == "-",
            "{method} {path}"
        );
    }
}

#[test]
fn each_role_may_what_the_table_says_and_nothing_else() {
    let machine = initialised();
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let mut everybody: Vec<(String, char, Client)> = Vec::new();
    for (role, letter) in ROLES {
        let token = admin.with_token(&admin.token(role));
        everybody.push((format!("a token of {role}"), letter, token));
        let name = format!("user.{letter}");
        let user = json!({"name": name, "roles": [role], "password": support::PASSWORD});
        admin.post("/v1/users", user).ok(201);
        let person = admin.nobody().signed_in(&machine, &name, support::PASSWORD);
        everybody.push((format!("a person who is {role}"), letter, person));
    }
    let (_server, token) = enrolled_token(&machine);
    everybody.push(("a backup server".to_owned(), 's', admin.with_token(&token)));

    let mut wrong = Vec::new();
    for (who, letter, client) in &everybody {
        for (method, path, may) in table() {
            // These end the session, or work for long.
            if path == "/v1/sessions/current" || may == "-" {
                continue;
            }
            let may = may == "k" || may.contains(*letter);
            let before = events(&admin);
            let answer = try_out(client, method, path);
            let code = (answer.status >= 400).then(|| answer.problem());
            let refused = answer.status == 403 && code.as_deref() == Some("forbidden");
            if answer.status == 401 || answer.status >= 500 || refused == may {
                // A token that may not export is told so, whatever its role.
                let is_export = path.starts_with("/v1/keysets/export") && who.contains("token");
                let is_own_password = path == "/v1/me/password" && who.contains("token");
                if !(is_export || is_own_password) {
                    wrong.push(format!("{who}: {method} {path}: {} {code:?}", answer.status));
                }
            }
            if refused {
                let after = events(&admin);
                let new = &after[before.len()..];
                if new.iter().any(|event| event["action"] != "request.refuse") || new.len() != 1 {
                    wrong.push(format!("{who}: {method} {path}: {new:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn events(admin: &Client) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.len();
        let page = admin
            .get(&format!("/v1/audit/events?limit=1000&after={after}"))
            .ok(200)
            .json();
        all.extend(page["events"].as_array().unwrap().iter().cloned());
        if page["next_after"].is_null() {
            return all;
        }
    }
}

#[test]
fn a_token_that_may_not_export_makes_nobody_who_may() {
    let machine = initialised();
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let token = admin.with_token(&admin.token("admin"));
    let user = |name: &str, role: &str| json!({"name": name, "roles": [role], "password": support::PASSWORD});
    let forbidden =
        |answer: Answer| assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"));
    token.post("/v1/users", user("bob", "auditor")).ok(201);
    forbidden(token.post("/v1/users", user("eve", "admin")));
    let patch = |path: &str, body: Value| token.call("PATCH", path, Some(&body), &[]);
    forbidden(patch("/v1/users/bob", json!({"roles": ["admin"]})));
    forbidden(patch(
        "/v1/users/ada",
        json!({"password": "another long password"}),
    ));
    patch("/v1/users/bob", json!({"password": "another long password"})).ok(200);
    let right = json!({"name": "x", "role": "admin", "may_export": true});
    forbidden(token.post("/v1/tokens", right.clone()));
    assert_eq!(
        admin.post("/v1/tokens", right).ok(403).problem(),
        "password-needed"
    );
    admin.post("/v1/users", user("eve", "admin")).ok(201);
}

#[test]
fn whoever_is_not_known_learns_nothing_and_does_nothing() {
    let machine = initialised();
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let made = admin
        .post(
            "/v1/tokens",
            json!({"name": "revoked", "role": "admin", "days": 1}),
        )
        .ok(201)
        .json();
    let revoked = made["token"].as_str().unwrap().to_owned();
    assert_eq!(admin.with_token(&revoked).get("/v1/keysets").status, 200);
    admin
        .delete(&format!("/v1/tokens/{}", made["id"].as_str().unwrap()))
        .ok(200);
    let signed_out = admin.nobody().signed_in(&machine, "ada", support::PASSWORD);
    signed_out.delete("/v1/sessions/current").ok(204);
    let expired = expired_token(&machine);

    let before = events(&admin);
    let nobodies: BTreeMap<&str, Client> = [
        ("nobody", admin.nobody()),
        ("a revoked token", admin.with_token(&revoked)),
        ("an expired token", admin.with_token(&expired)),
        (
            "a made-up token",
            admin.with_token(&format!("keystead_{}", "A".repeat(43))),
        ),
        ("no token at all", admin.with_token("hunter2")),
        ("a session that ended", signed_out),
        (
            "a token that says none is needed",
            admin.with_token("eyJhbGciOiJub25lIn0.e30."),
        ),
    ]
    .into();
    for (who, client) in &nobodies {
        for (method, path, may) in table().filter(|(_, _, may)| *may != "-") {
            let answer = try_out(client, method, path);
            assert_eq!(answer.status, 401, "{who}: {method} {path} ({may}): {answer:?}");
            let code = answer.problem();
            assert!(
                matches!(code.as_str(), "not-signed-in" | "credential-not-valid"),
                "{code}"
            );
            assert!(!answer.text().contains("first"), "{who}: {method} {path}");
        }
    }
    assert_eq!(events(&admin), before);
}

/// A token that ended: it was made when the clock stood a day earlier.
fn expired_token(machine: &Machine) -> String {
    let arguments = ["token", "create", "old", "--role", "admin", "--days", "1"];
    let made = support::cli::recovery::with_clock(machine, "-2d", &arguments);
    assert_eq!(made.status, 0, "{}", made.err);
    let token = made
        .out
        .split_whitespace()
        .find(|word| word.starts_with("keystead_"));
    token.unwrap().to_owned()
}
