use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, ShareAccess, ShareError, ShareErrorKind, ShareProvider, ShareSetting, Temporaries,
};
use keystead_https::{Roots, client, is_loopback};
use opendal::services::S3;
use opendal::{HttpTransporter, OperationContext, Operator};
use reqwest::Url;

use crate::S3FileShare;
use crate::conditions::Conditions;
use crate::transport::{ServerClock, Transport};

const ENDPOINT: &str = "endpoint";
const REGION: &str = "region";
const PATH_STYLE: &str = "path_style";
const CA_FILE: &str = "ca_file";
const INSECURE: &str = "insecure";
const INSTANCE_ROLE: &str = "instance_role";
const SETTINGS: &[ShareSetting] = &[
    ShareSetting::text(ENDPOINT),
    ShareSetting::text(REGION),
    ShareSetting::text(PATH_STYLE),
    ShareSetting::path(CA_FILE),
    ShareSetting::text(INSECURE),
    ShareSetting::text(INSTANCE_ROLE),
];
const OPERATION: &str = "find the share";

/// Answers for `s3:` URLs.
///
/// The user name is the access key id, the password its secret. Without them, the usual ways of AWS are tried: the
/// variables of the environment (`AWS_ACCESS_KEY_ID` and so on) and its configuration files.
///
/// Settings of a share:
/// - `endpoint`: the URL of the server; without it, AWS in the region.
/// - `region`: `AWS_REGION` or `us-east-1` when it is not set.
/// - `path_style`: `yes` when the bucket is a part of the path, `no` when it is a part of the server's name. Without it,
///   `yes` with an endpoint, and `no` with AWS.
/// - `ca_file`: a PEM file with the certificates of the authorities to believe, instead of the operating system's.
/// - `insecure`: `allow` lets an `http:` endpoint be on another machine, where everybody on the way can read the files and
///   can change them.
/// - `instance_role`: `yes` asks the metadata service of an EC2 instance for an access key. It is not asked otherwise:
///   elsewhere there is none, and that takes its time to show.
#[derive(Clone)]
pub struct S3ShareProvider {
    temporaries: Temporaries,
    /// What is known of servers.
    known: Arc<Mutex<HashMap<Bucket, Arc<Conditions>>>>,
}

/// An endpoint, and the name of a bucket there.
type Bucket = (Url, String);

impl S3ShareProvider {
    /// A provider that removes what was begun and given up in the background, by these.
    #[must_use]
    pub fn new(temporaries: Temporaries) -> Self {
        Self {
            temporaries,
            known: Arc::default(),
        }
    }

    fn conditions(&self, access: &ShareAccess, endpoint: &Url) -> Arc<Conditions> {
        let bucket = (endpoint.clone(), access.address.host.clone());
        let new = || match access.setting(ENDPOINT) {
            Some(_) => Arc::default(),
            None => Arc::new(Conditions::of_aws()),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(bucket).or_insert_with(new))
    }
}

#[async_trait]
impl ShareProvider for S3ShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &["s3"]
    }

    fn settings(&self) -> &[ShareSetting] {
        SETTINGS
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let bad = |why: &str| refused(access, ShareErrorKind::BadLocation, why);
        let address = &access.address;
        if address.host.is_empty() {
            return Err(bad("there is no bucket in it").advising("write s3://bucket/prefix"));
        }
        if address.port.is_some() {
            return Err(bad("a bucket has no port")
                .advising("put the server into the setting endpoint of a configured share"));
        }
        let region = region(access);
        let endpoint = endpoint(access, &region)?;
        let bucket_in_path = match yes_or_no(access, PATH_STYLE)? {
            Some(path_style) => path_style,
            // No certificate of AWS covers a name with more dots.
            None => access.setting(ENDPOINT).is_some() || address.host.contains('.'),
        };
        let mut builder = S3::default()
            .bucket(&address.host)
            .region(&region)
            .endpoint(endpoint.as_str().trim_end_matches('/'));
        if !bucket_in_path {
            builder = builder.enable_virtual_host_style();
        }
        builder = with_credentials(builder, access)?;
        let clock = ServerClock::default();
        let transport = Transport::new(http(access, &endpoint)?, clock.clone());
        let context = OperationContext::new().with_http_transport(HttpTransporter::new(transport));
        let operator = Operator::new(builder)
            .map_err(|e| bad(e.message()))?
            .with_context(context);
        Ok(Arc::new(S3FileShare::new(
            operator,
            address.clone(),
            self.temporaries.clone(),
            access.patience.answer,
            (self.conditions(access, &endpoint), clock),
        )))
    }
}

fn region(access: &ShareAccess) -> String {
    let named = access.setting(REGION).map(str::to_owned);
    let usual = || {
        ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .iter()
            .find_map(|name| env::var(name).ok())
    };
    named.or_else(usual).unwrap_or_else(|| "us-east-1".to_owned())
}

/// The server. One without TLS is for this machine, unless the user says so.
fn endpoint(access: &ShareAccess, region: &str) -> Result<Url, ShareError> {
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let aws = format!("https://s3.{region}.{domain}");
    let bad = |why: &str| {
        let why = format!("the setting endpoint: {why}");
        Err(refused(access, ShareErrorKind::BadLocation, &why).advising("write it as https://server:port"))
    };
    let url = match Url::parse(access.setting(ENDPOINT).unwrap_or(&aws)) {
        Ok(url) => url,
        Err(e) => return bad(&e.to_string()),
    };
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return bad("it is more than a server's URL");
    }
    match (url.scheme(), access.setting(INSECURE)) {
        ("https", None | Some("allow")) | ("http", Some("allow")) if url.has_host() => Ok(url),
        ("http", None) if is_here(&url) => Ok(url),
        ("http", None) => Err(refused(
            access,
            ShareErrorKind::BadLocation,
            "without TLS, the files could be read and changed on the way",
        )
        .advising("write https: in the setting endpoint, or set insecure = \"allow\" for this share")),
        ("http" | "https", Some(_)) => Err(refused(
            access,
            ShareErrorKind::BadLocation,
            "the setting insecure is neither \"allow\" nor unset",
        )),
        _ => bad("it is neither http: nor https:"),
    }
}

fn is_here(url: &Url) -> bool {
    is_loopback(url.host_str().unwrap_or_default())
}

fn http(access: &ShareAccess, endpoint: &Url) -> Result<reqwest::Client, ShareError> {
    let roots = match (endpoint.scheme(), access.setting(CA_FILE)) {
        ("https", None) => Roots::System,
        ("https", Some(path)) => Roots::File(path),
        _ => Roots::None,
    };
    let proxies = endpoint.scheme() == "https" && !is_here(endpoint);
    client(&roots, proxies, access.patience.answer)
        .map_err(|failure| failure.of_share(OPERATION, access.address.to_string()))
}

fn with_credentials(builder: S3, access: &ShareAccess) -> Result<S3, ShareError> {
    let secret = access.password_text()?;
    match (&access.username, secret) {
        (Some(id), Some(secret)) => Ok(builder
            .access_key_id(id)
            .secret_access_key(secret)
            .disable_config_load()
            .disable_ec2_metadata()),
        (Some(_), None) => Err(refused(
            access,
            ShareErrorKind::NotSignedIn,
            "there is an access key id (the user name) without its secret (the password)",
        )),
        (None, _) => Ok(match yes_or_no(access, INSTANCE_ROLE)? {
            Some(true) => builder,
            _ => builder.disable_ec2_metadata(),
        }),
    }
}

fn yes_or_no(access: &ShareAccess, setting: &str) -> Result<Option<bool>, ShareError> {
    match access.setting(setting) {
        None => Ok(None),
        Some("yes") => Ok(Some(true)),
        Some("no") => Ok(Some(false)),
        Some(_) => Err(refused(
            access,
            ShareErrorKind::BadLocation,
            &format!("the setting {setting} is neither \"yes\" nor \"no\""),
        )),
    }
}

fn refused(access: &ShareAccess, kind: ShareErrorKind, why: &str) -> ShareError {
    ShareError::new(kind, OPERATION, access.address.to_string(), why)
}
