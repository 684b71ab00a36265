//! What is sent, what is read of the answer, and what is asked again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body as AxumBody, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get as route, post};
use common::{Manager, NoPause, client, count, get, options, raw_server};
use futures_util::stream;
use keystead_application::Explain;
use keystead_domain::SecretBytes;
use keystead_http_client::{
    ApiRequest, Body, ClientErrorKind, ClientOptions, Credential, HttpClient, Method,
};
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

fn json(text: &str) -> Body {
    Body::Json(Zeroizing::new(text.as_bytes().to_vec()))
}

fn bearer(token: &str) -> Option<Credential> {
    Some(Credential::Bearer(SecretBytes::new(token.as_bytes().to_vec())))
}

#[tokio::test]
async fn a_request_arrives_as_it_was_given() {
    let say =
        async |method: axum::http::Method, RawQuery(query): RawQuery, headers: HeaderMap, body: String| {
            let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
            let said = format!(
                "{method} {} {} {} {} {body}",
                query.unwrap_or_default(),
                header("authorization"),
                header("content-type"),
                header("x-more")
            );
            ([("X-Answer", "yes")], said)
        };
    let manager = Manager::start(Router::new().route("/v1/keysets", any(say))).await;
    let asking = client(ClientOptions {
        credential: bearer("abc.def-123"),
        ..manager.options()
    });
    let request = ApiRequest {
        query: vec![("hint".to_owned(), "a b&c".to_owned())],
        headers: vec![
            ("X-More".to_owned(), "more".to_owned()),
            ("Authorization".to_owned(), "Bearer somebody-else".to_owned()),
        ],
        body: json("{}"),
        ..ApiRequest::new(Method::PATCH, "/v1/keysets")
    };
    let answer = asking.send(request).await.unwrap();
    assert_eq!(answer.status, 200);
    let said = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(
        said,
        "PATCH hint=a+b%26c Bearer abc.def-123 application/json more {}"
    );
    assert_eq!(answer.headers.find("x-answer"), Some("yes"));
    assert_eq!(answer.headers.find("X-ANSWER"), Some("yes"));
    assert_eq!(answer.headers.find("x-none"), None);

    let request = ApiRequest {
        body: Body::Other {
            content_type: "application/x-pem-file".to_owned(),
            content: Zeroizing::new(b"pem".to_vec()),
        },
        ..ApiRequest::new(Method::PUT, "/v1/keysets")
    };
    let answer = manager.client().send(request).await.unwrap();
    assert_eq!(answer.body.as_slice(), b"PUT   application/x-pem-file  pem");
}

#[tokio::test]
async fn every_status_is_an_answer_and_no_redirect_is_followed() {
    let (elsewhere, mut asks) = raw_server(&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let away = async move || (StatusCode::TEMPORARY_REDIRECT, [("location", elsewhere)]);
    let service = Router::new()
        .route("/away", route(away))
        .route("/no", route(async || (StatusCode::FORBIDDEN, "no")));
    let manager = Manager::start(service).await;
    let asking = client(ClientOptions {
        credential: bearer("token"),
        ..manager.options()
    });
    assert_eq!(asking.send(get("/away")).await.unwrap().status, 307);
    let refused = asking.send(get("/no")).await.unwrap();
    assert_eq!((refused.status, refused.body.as_slice()), (403, b"no".as_slice()));
    assert_eq!(asking.send(get("/none")).await.unwrap().status, 404);
    assert_eq!(count(&mut asks), 0);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let asking = client(options("http://127.0.0.1:1"));
    let header = |name: &str, value: &str| ApiRequest {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..get("/")
    };
    for request in [
        get("v1"),
        get("/../v1"),
        get("/v1?a=b"),
        header("a b", "c"),
        header("a", "b\r\nc: d"),
    ] {
        let error = asking.send(request).await.err().unwrap();
        assert_eq!(error.kind, ClientErrorKind::Request, "{error}");
    }
    for token in ["", "a b", "a\r\nb: c", "ä"] {
        let refused = ClientOptions {
            credential: bearer(token),
            ..options("http://127.0.0.1:1")
        };
        let error = HttpClient::new(refused, Arc::new(NoPause)).err().unwrap();
        assert_eq!(error.kind, ClientErrorKind::Options, "{error}");
        assert!(token.is_empty() || !error.to_string().contains(token), "{error}");
    }
}

/// A manager that is ready for the third request and later ones, and how often it was asked.
async fn unready(retry_after: &'static str) -> (Manager, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let answer = async move |State(asked): State<Arc<AtomicUsize>>, body: Bytes| match asked
        .fetch_add(1, Ordering::Relaxed)
    {
        0 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", retry_after)]).into_response(),
        1 => StatusCode::BAD_GATEWAY.into_response(),
        _ => body.into_response(),
    };
    let service = Router::new()
        .route("/", any(answer))
        .with_state(Arc::clone(&asked));
    (Manager::start(service).await, asked)
}

#[tokio::test]
async fn what_does_no_harm_is_asked_again() {
    let (manager, asked) = unready("0").await;
    assert_eq!(manager.client().send(get("/")).await.unwrap().status, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 3);

    let (manager, asked) = unready("1").await;
    let request = ApiRequest {
        headers: vec![("idempotency-key".to_owned(), "e1a7".to_owned())],
        body: json("\"the same\""),
        ..ApiRequest::new(Method::POST, "/")
    };
    let answer = manager.client().send(request).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"\"the same\"".as_slice())
    );
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_may_do_harm_is_not_asked_again() {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let (manager, asked) = unready("0").await;
        let empty_key = vec![("idempotency-key".to_owned(), String::new())];
        let request = ApiRequest {
            headers: empty_key,
            ..ApiRequest::new(method, "/")
        };
        assert_eq!(manager.client().send(request).await.unwrap().status, 503);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_patience_lasts() {
    let (manager, asked) = unready("3600").await;
    assert_eq!(manager.client().send(get("/")).await.unwrap().status, 503);
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    let impatient = ClientOptions {
        patience: Duration::ZERO,
        ..manager.options()
    };
    assert_eq!(client(impatient).send(get("/")).await.unwrap().status, 502);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nwhole";
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwh";

#[tokio::test]
async fn a_broken_link_is_mended_where_that_does_no_harm() {
    let (base, mut asks) = raw_server(&["", HALF, "HTTP/1.1 20", WHOLE]).await;
    let answer = client(options(&base)).send(get("/")).await.unwrap();
    assert_eq!(answer.body.as_slice(), b"whole");
    assert_eq!(count(&mut asks), 4);

    for cut in [&["", WHOLE][..], &[HALF, WHOLE]] {
        let (base, mut asks) = raw_server(cut).await;
        let error = client(options(&base))
            .send(ApiRequest::new(Method::POST, "/"))
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind, ClientErrorKind::Broken, "{error}");
        assert!(error.may_be_done());
        assert!(error.fix().contains("whether it was done"), "{}", error.fix());
        assert_eq!(count(&mut asks), 1);
    }
}

#[tokio::test]
async fn a_manager_that_is_not_there_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let asking = client(ClientOptions {
        patience: Duration::from_millis(200),
        ..options(&format!("http://{free}"))
    });
    let error = asking.send(get("/")).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::Unreachable, "{error}");
    assert!(error.what().contains(&free.to_string()), "{error}");
    assert!(
        error.why().contains("refused") && error.why().contains("more times within"),
        "{error}"
    );
    assert!(!error.may_be_done());
}

#[tokio::test]
async fn a_silent_manager_is_not_waited_for() {
    let never = async || std::future::pending::<()>().await;
    let begins = async || {
        let begun = stream::iter([Ok::<_, std::convert::Infallible>("begun")]);
        AxumBody::from_stream(stream::StreamExt::chain(begun, stream::pending()))
    };
    let manager = Manager::start(
        Router::new()
            .route("/never", route(never))
            .route("/begins", route(begins)),
    )
    .await;
    let asking = client(ClientOptions {
        timeout: Duration::from_secs(1),
        patience: Duration::ZERO,
        ..manager.options()
    });
    for path in ["/never", "/begins"] {
        let error = asking.send(get(path)).await.err().unwrap();
        assert_eq!(error.kind, ClientErrorKind::Broken, "{error}");
        assert!(error.why().contains("nothing came for 1s"), "{error}");
    }
    let mut streamed = asking.send_streaming(get("/begins")).await.unwrap();
    let mut begun = [0; 5];
    streamed.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"begun");
    let error = streamed.read_u8().await.unwrap_err();
    assert!(error.to_string().contains("nothing came for 1s"), "{error}");
}

#[tokio::test]
async fn no_more_is_read_than_is_expected() {
    let chunks = async || {
        let chunk = || Ok::<_, std::convert::Infallible>("0123456789");
        AxumBody::from_stream(stream::iter((0..10).map(move |_| chunk())))
    };
    let service = Router::new()
        .route("/known", route(async || "0123456789".repeat(10)))
        .route("/unknown", route(chunks));
    let manager = Manager::start(service).await;
    let asking = manager.client();
    for path in ["/known", "/unknown"] {
        let at_most = |max_response| ApiRequest {
            max_response,
            ..get(path)
        };
        assert_eq!(asking.send(at_most(100)).await.unwrap().body.len(), 100);
        let error = asking.send(at_most(99)).await.err().unwrap();
        assert_eq!(error.kind, ClientErrorKind::TooLarge, "{error}");
        assert!(error.why().contains("more than 99 bytes"), "{error}");

        let mut read = Vec::new();
        let mut streamed = asking.send_streaming(at_most(100)).await.unwrap();
        assert_eq!(streamed.read_to_end(&mut read).await.unwrap(), 100);
        let mut streamed = asking.send_streaming(at_most(99)).await.unwrap();
        let error = streamed.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert!(error.to_string().contains("more than 99 bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_long_answer_comes_whole_and_a_cut_one_is_noticed() {
    let long: Bytes = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    let whole = long.clone();
    let manager = Manager::start(Router::new().route("/", post(async move || whole))).await;
    let request = ApiRequest {
        max_response: u64::MAX,
        ..ApiRequest::new(Method::POST, "/")
    };
    let mut streamed = manager.client().send_streaming(request).await.unwrap();
    assert_eq!(streamed.status, 200);
    assert_eq!(streamed.headers.find("content-length"), Some("20000000"));
    let mut read = Vec::new();
    streamed.read_to_end(&mut read).await.unwrap();
    assert!(read == long, "something else came");

    let (base, _asks) = raw_server(&[HALF]).await;
    let mut streamed = client(options(&base)).send_streaming(get("/")).await.unwrap();
    let mut read = Vec::new();
    streamed.read_to_end(&mut read).await.unwrap_err();
    assert_eq!(read, b"wh");
}

#[tokio::test]
async fn a_request_can_be_sent_from_any_thread() {
    let (base, _asks) = raw_server(&[WHOLE]).await;
    let asking = Arc::new(client(options(&base)));
    let shared = Arc::clone(&asking);
    let answer = tokio::spawn(async move { shared.send(get("/")).await })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.body.as_slice(), b"whole");
    let read = tokio::spawn(async move {
        let mut streamed = asking.send_streaming(get("/")).await.unwrap();
        let mut read = Vec::new();
        streamed.read_to_end(&mut read).await.map(|_| read)
    });
    assert_eq!(read.await.unwrap().unwrap(), b"whole");
}
