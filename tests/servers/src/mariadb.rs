use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::{Home, Running, free_port};
use crate::programs::{command, run};
use crate::{PASSWORD, Settings, USER, have};

/// A MariaDB server. Dropping it ends it and removes its data.
pub struct MariaDbServer {
    running: Option<Running>,
    home: Home,
    settings: Settings,
    port: u16,
    databases: AtomicU32,
}

impl MariaDbServer {
    /// A server that is ready; `None` when the program is missing.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start(settings: Settings) -> Option<Self> {
        if !have(&["mariadb-install-db", "mariadbd", "mariadb", "mariadb-admin"]) {
            return None;
        }
        let home = Home::new("mysql");
        let mut install = home.command("mariadb-install-db");
        install.arg("--no-defaults");
        install.arg(format!("--datadir={}", home.path("data").display()));
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        run(&mut install);
        let mut server = Self {
            running: None,
            home,
            settings,
            port: 0,
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
        server.client(
            "mysql",
            &format!(
                "CREATE USER {USER} IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO {USER} WITH GRANT OPTION"
            ),
        );
        Some(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.home.path("socket")
    }

    /// The URL of a database, with credentials.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and gives its name.
    #[must_use]
    pub fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.client("mysql", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs SQL through `mariadb`, and gives what it prints: rows as lines, columns apart by tabs.
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
    /// What `mariadb` says.
    pub fn try_client(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut client = as_root("mariadb", &self.socket());
        client.args([
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
        ]);
        let output = client.args(["-e", sql, database]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    /// Ends the server at once, as a crash does.
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
        let mut server = self.home.command("mariadbd");
        server.arg("--no-defaults");
        for (option, name) in [("datadir", "data"), ("socket", "socket"), ("pid-file", "pid")] {
            server.arg(format!("--{option}={}", self.home.path(name).display()));
        }
        server.arg(format!("--port={}", self.port));
        server.args([
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--max-connections=200",
        ]);
        server.args(match self.settings.durable {
            // Room for what a server of its own would have room for.
            true => ["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M"],
            // Handed to the operating system at each commit, and not waited for.
            false => ["--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0"],
        });
        let socket = self.socket();
        let is_ready = move || ping(&socket);
        self.running = Some(self.home.start(server, is_ready)?);
        Ok(())
    }
}

fn ping(socket: &Path) -> bool {
    let mut ping = as_root("mariadb-admin", socket);
    ping.args(["--silent", "ping"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn as_root(program: &str, socket: &Path) -> Command {
    let mut client = command(program);
    client.args(["--no-defaults", "--user=root"]);
    client.arg(format!("--socket={}", socket.display()));
    client
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        self.kill();
    }
}
