//! What is looked at elsewhere is told as it is here.

use keystead_application::Status;

use super::scripted::{body_of, json};
use super::{Script, TOKEN, World, answer, here, ok, paths, problem, there, value};

/// The command here, in words and in JSON; and there, where that JSON is the answer.
async fn same(world: &World, line: &str, asked: &[&str]) {
    let (words, text) = (
        here(world, line).await,
        here(world, &format!("{line} --output json")).await,
    );
    assert!(
        words.succeeded && text.succeeded,
        "{line}: {}{}",
        words.err,
        text.err
    );
    for (form, expected) in [("table", &words), ("json", &text)] {
        let script = Script::of([json(&text.out)]);
        let (ran, requests) = there(world, &format!("{line} --output {form}"), script).await;
        assert_eq!(&ran, expected, "{line}");
        assert_eq!(paths(&requests), asked, "{line}");
        assert!(
            requests
                .iter()
                .all(|asked| asked.bearer.as_deref() == Some(TOKEN)),
            "{line}"
        );
    }
}

#[tokio::test]
async fn lists_and_single_things_are_told_as_they_are_here() {
    let world = World::manager().await;
    let second = value(&world, "keyset create --hint second~one").await;
    let id = second["id"].as_str().unwrap();
    let empty_lists = [
        ("server list", "GET /v1/servers"),
        ("token list", "GET /v1/tokens"),
        ("user list", "GET /v1/users"),
        ("recovery list", "GET /v1/recoveries?limit=100"),
    ];
    for (line, asked) in empty_lists {
        same(&world, line, &[asked]).await;
    }
    ok(&world, &format!("keyset activate {id}")).await;
    same(&world, "keyset list", &["GET /v1/keysets?limit=1000"]).await;
    same(&world, "keyset list --limit 1", &["GET /v1/keysets?limit=1"]).await;
    same(&world, "keyset show active", &["GET /v1/keysets/active"]).await;
    same(
        &world,
        &format!("keyset show {id}"),
        &[&format!("GET /v1/keysets/{id}")],
    )
    .await;
    same(&world, "share list", &["GET /v1/shares"]).await;
    same(&world, "policy show", &["GET /v1/policy"]).await;
    same(&world, "audit list", &["GET /v1/audit/events?limit=1000"]).await;
    same(
        &world,
        "audit list --after 2 --limit 3",
        &["GET /v1/audit/events?limit=3&after=2"],
    )
    .await;
    same(&world, "audit verify", &["GET /v1/audit/verification"]).await;
    ok(&world, "token create nightly --role auditor --days 2").await;
    same(&world, "token list", &["GET /v1/tokens"]).await;
}

#[tokio::test]
async fn a_recovery_is_told_as_it_is_here() {
    let world = World::manager().await;
    let db1 = world.beside(2);
    super::backup_servers::enrol_by_texts(&world, &db1).await;
    same(&world, "server list", &["GET /v1/servers"]).await;
    same(&world, "server show db1", &["GET /v1/servers/db1"]).await;
    world.write("plain", b"content").await;
    ok(&db1, "seal plain -o sealed.age --no-password").await;
    ok(
        &db1,
        "recovery request sealed.age --reason lost~it --asked-by Eve -o request.txt",
    )
    .await;
    let received = value(&world, "recovery receive request.txt").await;
    let id = received["id"].as_str().unwrap();
    same(&world, "recovery list", &["GET /v1/recoveries?limit=100"]).await;
    let show = format!("recovery show {id}");
    same(&world, &show, &[&format!("GET /v1/recoveries/{id}")]).await;
    let show = format!("recovery show {}", &id[..8]);
    same(&world, &show, &[&format!("GET /v1/recoveries/{}", &id[..8])]).await;

    let statement = format!("recovery show {id} --statement --allow-unnamed");
    let text = ok(&world, &statement).await;
    let script = Script::of([body_of("text/plain", text.as_bytes())]);
    let (ran, asked) = there(&world, &statement, script).await;
    assert_eq!(ran.out, text);
    let path = format!("GET /v1/recoveries/{id}/statement?origins=unnamed");
    assert_eq!(paths(&asked), [path]);

    // It takes two answers to tell whether there are enough officers.
    let officers = here(&world, "officer list --output json").await.out;
    let policy = ok(&world, "policy show --output json").await;
    let script = Script::of([json(&officers), json(&officers), json(&policy)]);
    let (ran, _) = there(&world, "officer list", script).await;
    assert_eq!(ran, here(&world, "officer list").await);
    assert!(ran.err.contains("no officer may approve"), "{}", ran.err);
}

#[tokio::test]
async fn a_recipient_line_is_the_same() {
    let world = World::manager().await;
    let line = ok(&world, "keyset recipient").await;
    for form in ["table", "json"] {
        let command = format!("keyset recipient --output {form}");
        let script = Script::of([body_of("text/plain; charset=utf-8", line.as_bytes())]);
        let (ran, asked) = there(&world, &command, script).await;
        assert_eq!(ran, here(&world, &command).await);
        assert_eq!(
            paths(&asked),
            ["GET /v1/keysets/active/public-key?format=openssh"]
        );
    }
}

#[tokio::test]
async fn a_long_list_is_asked_for_in_pages() {
    let world = World::manager().await;
    let mut page = value(&world, "keyset list").await;
    page["next"] = "cursor/1".into();
    let last =
        serde_json::json!({ "keysets": page["keysets"], "damaged": [{ "id": "x", "what": "broken" }] });
    let script = Script::of([answer(&page), answer(&last)]);
    let (ran, asked) = there(&world, "keyset list --output json", script).await;
    let list: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(list["keysets"].as_array().unwrap().len(), 2);
    assert_eq!(list.get("next"), None);
    let second = "GET /v1/keysets?limit=1000&after=cursor%2F1";
    assert_eq!(paths(&asked), ["GET /v1/keysets?limit=1000", second]);
    // What is damaged there is told as here.
    assert!(
        !ran.succeeded && ran.err.contains("keyset x: broken"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason_and_exit_status() {
    let world = World::manager().await;
    for status in [
        Status::Refused,
        Status::Usage,
        Status::NotFound,
        Status::NotUnlocked,
    ] {
        let script = Script::of([problem("some-code", 409, status as u8)]);
        let (ran, _) = there(&world, "keyset show 00112233", script).await;
        let expected = "error: what of some-code\n  why: why of some-code\n  fix: fix of some-code\n";
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", expected));
        let code = std::process::ExitCode::from(status as u8);
        assert_eq!(ran.code, format!("{code:?}"));
    }
    let script = Script::of([problem("some-code", 409, 3)]);
    let (ran, _) = there(&world, "keyset show 00112233 --output json", script).await;
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["exit_status"], 3);
}

#[tokio::test]
async fn what_is_no_manager_is_not_believed() {
    let world = World::manager().await;
    for (kind, body) in [
        ("application/json", "{}"),
        ("application/json", "not JSON"),
        ("text/html", "<html>Welcome</html>"),
    ] {
        let script = Script::of([body_of(kind, body.as_bytes())]);
        let (ran, _) = there(&world, "keyset show active", script).await;
        assert!(ran.err.contains("the manager was not understood"), "{}", ran.err);
    }
}

#[tokio::test]
async fn what_a_manager_elsewhere_says_cannot_deceive_the_terminal() {
    let world = World::manager().await;
    let mut list = value(&world, "keyset list").await;
    for field in ["id", "hint", "fingerprint", "activated_at"] {
        list["keysets"][0][field] = "a\u{1b}]0;title\u{7}".into();
    }
    let (ran, _) = there(&world, "keyset list", Script::of([answer(&list)])).await;
    assert!(!ran.out.contains('\u{1b}'), "{:?}", ran.out);
    let keyset = list["keysets"][0].clone();
    let (ran, _) = there(&world, "keyset show active", Script::of([answer(&keyset)])).await;
    assert!(!ran.out.contains('\u{1b}'), "{:?}", ran.out);
}

#[tokio::test]
async fn nothing_is_sent_without_a_token_or_where_it_is_not_possible() {
    let world = World::manager().await;
    let at = "--server https://keys.example";
    let (ran, _) = world.run(&format!("keyset list {at}"), Script::default()).await;
    assert!(ran.err.contains("no token was given"), "{}", ran.err);
    let (ran, _) = world.run(&format!("db status {at}"), Script::default()).await;
    assert!(ran.err.contains("the database is looked after"), "{}", ran.err);
    let (ran, _) = there(&world, "keyset show not-hex", Script::default()).await;
    assert!(ran.err.contains("name a keyset by its id"), "{}", ran.err);
}
