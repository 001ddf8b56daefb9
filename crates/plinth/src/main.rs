//! The command line.

mod commands;
mod project;
mod seed;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// The whole back end in one binary: REST over a data model and access rules written in SQL.
#[derive(Parser)]
#[command(name = "plinth", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new project
    New {
        /// The folder to make
        dir: PathBuf,
        /// Start from an example instead of an empty project
        #[arg(long, value_parser = ["hiring"])]
        example: Option<String>,
    },
    /// Serve the project, apply additive changes of schema/*.sql while it runs
    Dev(Serve),
    /// Serve the project
    Serve(Serve),
    /// Print the project's API keys (made at the first call, kept in .plinth/)
    Keys {
        #[command(flatten)]
        project: ProjectDir,
        /// As JSON, with the secret that signs tokens
        #[arg(long)]
        json: bool,
    },
    /// Print a token signed with the project's secret
    Token {
        #[command(flatten)]
        project: ProjectDir,
        /// The role it is for
        #[arg(long)]
        role: String,
        /// A further claim, name=value; the value is JSON where it reads as JSON, else text
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
        /// Seconds until it expires
        #[arg(long, default_value_t = 3600)]
        expires_in: i64,
    },
    /// Work on the database
    Db {
        #[command(subcommand)]
        command: Db,
    },
    /// Show how a request is planned: the plan, the SQL, and the policies that take part
    Explain {
        #[command(flatten)]
        project: ProjectDir,
        /// The request, for example "GET /rest/v1/posting?select=id"
        request: String,
        /// The role to plan it for
        #[arg(long, default_value = "anon")]
        role: String,
        /// A claim of the caller, name=value
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
        /// The body of a write
        #[arg(long, default_value = "")]
        body: String,
    },
    /// Print the types of the data for a client's language
    Types {
        #[command(subcommand)]
        command: Types,
    },
    /// Print the version
    Version,
}

#[derive(Subcommand)]
enum Db {
    /// Read schema/*.sql and say what is wrong, or how it differs from the database
    Check {
        #[command(flatten)]
        project: ProjectDir,
    },
    /// Create the database, or apply what was added to schema/*.sql
    Apply {
        #[command(flatten)]
        project: ProjectDir,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Load the files of seed/ into empty tables
    Seed {
        #[command(flatten)]
        project: ProjectDir,
    },
    /// Write the model of an existing PostgreSQL database as schema/*.sql
    Pull {
        #[command(flatten)]
        project: ProjectDir,
    },
}

#[derive(Subcommand)]
enum Types {
    /// The `Database` type that @supabase/supabase-js takes, as the service role reaches the data
    Typescript {
        #[command(flatten)]
        project: ProjectDir,
        /// A schema, instead of the exposed ones
        #[arg(long = "schema", value_name = "NAME")]
        schemas: Vec<String>,
    },
}

#[derive(Args)]
struct ProjectDir {
    /// The project's folder
    #[arg(long = "project", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    project: ProjectDir,
    /// Address and port, instead of the configured ones
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Load seed/ when the tables are empty
    #[arg(long)]
    seed: bool,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::New { dir, example } => commands::new::run(&dir, example.as_deref()),
        Command::Dev(args) => commands::serve::run(&args.project.dir, args.listen, args.seed, true),
        Command::Serve(args) => commands::serve::run(&args.project.dir, args.listen, args.seed, false),
        Command::Keys { project, json } => commands::keys::run(&project.dir, json),
        Command::Token { project, role, claims, expires_in } => {
            commands::token::run(&project.dir, &role, &claims, expires_in)
        }
        Command::Db { command: Db::Check { project } } => commands::db::check(&project.dir),
        Command::Db { command: Db::Apply { project, dry_run } } => commands::db::apply(&project.dir, dry_run),
        Command::Db { command: Db::Seed { project } } => commands::db::seed(&project.dir),
        Command::Db { command: Db::Pull { project } } => commands::db::pull(&project.dir),
        Command::Explain { project, request, role, claims, body } => {
            commands::explain::run(&project.dir, &request, &role, &claims, &body)
        }
        Command::Types { command: Types::Typescript { project, schemas } } => {
            commands::types::typescript(&project.dir, &schemas)
        }
        Command::Version => {
            println!("plinth {} {}", env!("CARGO_PKG_VERSION"), env!("PLINTH_COMMIT"));
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
