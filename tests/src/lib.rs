//! What the end-to-end tests share: projects made and served by the real binary, requests over a socket, cases as data files.

pub mod case;
pub mod clients;
pub mod http;
pub mod postgres;
pub mod server;

pub use case::{run_folder, run_folder_on_postgres};
pub use http::{Response, send};
pub use postgres::Postgres;
pub use server::{Project, Server};
