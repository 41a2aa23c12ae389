//! The language server: diagnostics, quick fixes and hovers through the same engine as the command
//! line. The only crate that knows the protocol's types.
//!
//! One plain loop: notifications change the [`session::Session`]; when the queue is empty, or before
//! a request is answered, what is stale is linted once and published. Read `serve_on` first.

mod actions;
mod convert;
mod session;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeConfiguration, DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument,
    DidOpenTextDocument, DidSaveTextDocument, Notification as _,
};
use lsp_types::request::{CodeActionRequest, HoverRequest, RegisterCapability, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern,
    HoverProviderCapability, InitializeParams, InitializeResult, Registration, RegistrationParams,
    SaveOptions, ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
};
use secretlint_core::Rule;
use serde::Serialize;
use serde::de::DeserializeOwned;

use session::Session;

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The client broke the protocol.
    #[error(transparent)]
    Protocol(#[from] lsp_server::ProtocolError),
    /// A message has not the form it must have.
    #[error("a message cannot be read: {0}")]
    Message(#[from] serde_json::Error),
    /// The connection is gone.
    #[error("the client is gone")]
    Disconnected,
    /// Standard input or output failed.
    #[error(transparent)]
    Stream(#[from] std::io::Error),
}

/// Serves a client over standard input and output until it says `exit`.
///
/// # Errors
/// When the connection breaks or the client breaks the protocol.
pub fn serve(rules: &[&'static dyn Rule]) -> Result<(), ServerError> {
    let (connection, threads) = Connection::stdio();
    serve_on(&connection, rules)?;
    // The writer ends when the last sender is gone.
    drop(connection);
    threads.join()?;
    Ok(())
}

/// Serves the client at the other end of `connection`.
///
/// # Errors
/// When the connection breaks or the client breaks the protocol.
pub fn serve_on(connection: &Connection, rules: &[&'static dyn Rule]) -> Result<(), ServerError> {
    let (id, params) = connection.initialize_start()?;
    let client: InitializeParams = serde_json::from_value(params)?;
    let unit = convert::negotiate(&client);
    let result = InitializeResult {
        capabilities: capabilities(unit),
        server_info: Some(ServerInfo {
            name: "secretlint".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    };
    connection.initialize_finish(id, serde_json::to_value(result)?)?;
    if watches_files(&client) {
        register_watchers(connection)?;
    }
    let mut session = Session::new(&client, unit, rules);
    loop {
        // Whatever is waiting is taken in first: ten keystrokes are linted once.
        let message = match connection.receiver.try_recv() {
            Ok(message) => message,
            Err(_) => {
                publish(connection, &mut session)?;
                match connection.receiver.recv() {
                    Ok(message) => message,
                    Err(_) => return Ok(()),
                }
            }
        };
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                publish(connection, &mut session)?;
                let response = answer(&session, request);
                send(connection, response.into())?;
            }
            Message::Notification(notification) => note(&mut session, notification),
            Message::Response(_) => {}
        }
    }
}

fn capabilities(unit: secretlint_engine::ColumnUnit) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(convert::encoding(unit)),
        text_document_sync: Some(TextDocumentSyncCapability::Options(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                    include_text: Some(false),
                })),
                ..TextDocumentSyncOptions::default()
            },
        )),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

fn watches_files(client: &InitializeParams) -> bool {
    let workspace = client.capabilities.workspace.as_ref();
    workspace
        .and_then(|workspace| workspace.did_change_watched_files)
        .and_then(|watching| watching.dynamic_registration)
        .unwrap_or(false)
}

/// Asks to be told when a file changes that decides what is reported.
fn register_watchers(connection: &Connection) -> Result<(), ServerError> {
    let globs = [
        "**/secretlint.toml",
        "**/secretref.toml",
        "**/*.{tf,tofu,tfvars,hcl,nomad}",
    ];
    let watchers = globs.map(|glob| FileSystemWatcher {
        glob_pattern: GlobPattern::String(glob.to_owned()),
        kind: None,
    });
    let options = DidChangeWatchedFilesRegistrationOptions {
        watchers: watchers.to_vec(),
    };
    let params = RegistrationParams {
        registrations: vec![Registration {
            id: "secretlint-files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: Some(serde_json::to_value(options)?),
        }],
    };
    let id = RequestId::from("secretlint-register".to_owned());
    let request = Request::new(id, RegisterCapability::METHOD.to_owned(), params);
    send(connection, request.into())
}

fn send(connection: &Connection, message: Message) -> Result<(), ServerError> {
    let sent = connection.sender.send(message);
    sent.map_err(|_| ServerError::Disconnected)
}

fn publish(connection: &Connection, session: &mut Session) -> Result<(), ServerError> {
    for (method, params) in session.refresh() {
        let notification = Notification::new(method.to_owned(), params);
        send(connection, notification.into())?;
    }
    Ok(())
}

/// Takes in what the client says. What cannot be read is passed over: there is nobody to tell.
fn note(session: &mut Session, notification: Notification) {
    fn read<P: DeserializeOwned>(notification: Notification) -> Option<P> {
        serde_json::from_value(notification.params).ok()
    }
    match notification.method.as_str() {
        DidOpenTextDocument::METHOD => {
            if let Some(params) = read(notification) {
                session.open(params);
            }
        }
        DidChangeTextDocument::METHOD => {
            if let Some(params) = read(notification) {
                session.change(params);
            }
        }
        DidCloseTextDocument::METHOD => {
            if let Some(params) = read(notification) {
                session.close(&params);
            }
        }
        DidSaveTextDocument::METHOD => session.disk_changed(),
        DidChangeWatchedFiles::METHOD | DidChangeConfiguration::METHOD => {
            session.settings_changed();
        }
        _ => {}
    }
}

fn answer(session: &Session, request: Request) -> Response {
    fn respond<P: DeserializeOwned, R: Serialize>(
        request: Request,
        answer: impl FnOnce(&P) -> R,
    ) -> Response {
        match serde_json::from_value(request.params) {
            Ok(params) => Response::new_ok(request.id, answer(&params)),
            Err(error) => {
                let code = ErrorCode::InvalidParams as i32;
                Response::new_err(request.id, code, error.to_string())
            }
        }
    }
    match request.method.as_str() {
        CodeActionRequest::METHOD => respond(request, |params| actions::actions(session, params)),
        HoverRequest::METHOD => respond(request, |params| actions::hover(session, params)),
        _ => {
            let code = ErrorCode::MethodNotFound as i32;
            let message = format!("{} is not supported", request.method);
            Response::new_err(request.id, code, message)
        }
    }
}

#[cfg(test)]
mod tests;
