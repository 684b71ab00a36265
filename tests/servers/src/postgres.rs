use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::{Home, Running, free_port};
use crate::programs::{command, run};
use crate::{Certificates, PASSWORD, Settings, USER, have};

/// A PostgreSQL server. Dropping it ends it and removes its data.
pub struct PostgresServer {
    running: Option<Running>,
    home: Home,
    settings: Settings,
    port: u16,
    tls: Option<(PathBuf, PathBuf)>,
    databases: AtomicU32,
}

impl PostgresServer {
    /// A server that is ready; `None` when the program is missing.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start(settings: Settings) -> Option<Self> {
        Self::start_as(settings, None)
    }

    /// The same with TLS, and without a way around it over TCP.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start_with_tls(settings: Settings, certificates: &Certificates) -> Option<Self> {
        Self::start_as(settings, Some(certificates))
    }

    fn start_as(settings: Settings, certificates: Option<&Certificates>) -> Option<Self> {
        if !have(&["initdb", "postgres", "psql", "pg_isready"]) {
            return None;
        }
        let home = Home::new("postgres");
        let password = home.write("password", PASSWORD.as_bytes());
        let mut initdb = home.command("initdb");
        initdb.arg("-D").arg(home.path("data"));
        initdb
            .arg(format!("--username={USER}"))
            .arg("--pwfile")
            .arg(password);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"]);
        run(initdb.args(["--encoding=UTF8", "--locale=C.UTF-8"]));
        let tls = certificates.map(|certificates| {
            let only_tls = "local all all trust\nhostssl all all all scram-sha-256\n";
            home.write("data/pg_hba.conf", only_tls.as_bytes());
            (
                home.write("server.pem", &certificates.server_certificate()),
                home.write("server.key", &certificates.server_key()),
            )
        });
        let mut server = Self {
            running: None,
            home,
            settings,
            port: 0,
            tls,
            databases: AtomicU32::new(0),
        };
        // Somebody else may take the port in between.
        let mut tried = Ok(());
        for _ in 0..3 {
            server.port = free_port();
            tried = server.try_run();
            if tried.is_ok() {
                break;
            }
        }
        tried.unwrap();
        Some(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket_folder(&self) -> PathBuf {
        self.home.path("")
    }

    /// The URL of a database, with credentials.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and gives its name.
    #[must_use]
    pub fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.client("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs SQL through `psql`, and gives what it prints: rows as lines, columns apart by `|`.
    ///
    /// # Panics
    /// When it is refused.
    pub fn client(&self, database: &str, sql: &str) -> String {
        self.try_client(database, sql)
            .unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The same for SQL that may be refused.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn try_client(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = command("psql");
        psql.args([
            "--no-psqlrc",
            "-qAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            USER,
            "-d",
            database,
        ]);
        psql.arg("-h").arg(self.socket_folder());
        psql.args(["-p", &self.port.to_string(), "-c", sql]);
        let output = psql.env("PGCLIENTENCODING", "UTF8").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    /// Ends the server and its children at once, as a crash does.
    pub fn kill(&mut self) {
        self.home.order(None);
        self.running = None;
    }

    /// Starts it again with the same data on the same port, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.try_run().unwrap();
    }

    fn try_run(&mut self) -> Result<(), String> {
        let mut server = self.home.command("postgres");
        server.arg("-D").arg(self.home.path("data"));
        server.arg("-k").arg(self.home.path(""));
        let mut options = vec![
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".into(),
            "max_connections=200".into(),
        ];
        options.extend(match self.settings.durable {
            // Room for what a server of its own would have room for.
            true => ["shared_buffers=512MB".to_owned(), "max_wal_size=4GB".to_owned()],
            false => ["fsync=off".to_owned(), "full_page_writes=off".to_owned()],
        });
        if let Some((certificate, key)) = &self.tls {
            options.push("ssl=on".into());
            options.push(format!("ssl_cert_file={}", certificate.display()));
            options.push(format!("ssl_key_file={}", key.display()));
        }
        for option in options {
            server.args(["-c", &option]);
        }
        let (folder, port) = (self.home.path(""), self.port.to_string());
        let is_ready = move || {
            let mut ping = command("pg_isready");
            ping.arg("-q").arg("-h").arg(&folder).args(["-p", &port]);
            ping.status().is_ok_and(|status| status.success())
        };
        self.running = Some(self.home.start(server, is_ready)?);
        Ok(())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}
