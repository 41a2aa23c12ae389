//! The language server: diagnostics, quick fixes and hovers through the same engine as the command
//! line. The only crate that knows the protocol's types.
//!
//! One plain loop: notifications change the [`session::Session`]; when the queue is empty, or before
//! a request is answered, what is stale is linted once. Clients that can ask for diagnostics are
//! asked to, others are sent them. Read `serve_on` first.

mod actions;
mod client;
mod convert;
mod diagnostics;
mod pull;
mod session;

use std::time::Duration;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    Cancel, DidChangeConfiguration, DidChangeTextDocument, DidChangeWatchedFiles,
    DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Notification as _,
};
use lsp_types::request::{
    CodeActionRequest, DocumentDiagnosticRequest, HoverRequest, RegisterCapability, Request as _,
    Shutdown, WorkspaceDiagnosticRefresh, WorkspaceDiagnosticRequest,
};
use lsp_types::{
    CancelParams, CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    DiagnosticOptions, DiagnosticServerCapabilities, DidChangeWatchedFilesRegistrationOptions,
    FileSystemWatcher, GlobPattern, HoverProviderCapability, InitializeParams, InitializeResult,
    NumberOrString, Registration, RegistrationParams, SaveOptions, ServerCapabilities, ServerInfo,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions,
};
use secretlint_core::Rule;
use serde::Serialize;
use serde::de::DeserializeOwned;

use client::Client;
use pull::Held;
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
    let client: InitializeParams = serde_json::from_value(params.clone())?;
    let client = Client::new(&client, &params);
    let result = InitializeResult {
        capabilities: capabilities(&client),
        server_info: Some(ServerInfo {
            name: "secretlint".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    };
    connection.initialize_finish(id, serde_json::to_value(result)?)?;
    if client.watches_files {
        register_watchers(connection)?;
    }
    let mut server = Server {
        connection,
        session: Session::new(client, rules),
        held: None,
        has_news: false,
    };
    while let Some(message) = server.next()? {
        match message {
            Message::Request(request) => {
                if request.method == Shutdown::METHOD {
                    server.release()?;
                }
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                server.refresh()?;
                server.answer(request)?;
            }
            Message::Notification(notification) => server.note(notification)?,
            Message::Response(_) => {}
        }
    }
    Ok(())
}

/// How long nothing must be said before a held request for the whole workspace is looked at again.
const CALM: Duration = Duration::from_millis(300);

struct Server<'c> {
    connection: &'c Connection,
    session: Session,
    /// A request for the workspace's diagnostics that had nothing new.
    held: Option<Held>,
    /// Something changed since it was looked at.
    has_news: bool,
}

impl Server<'_> {
    /// The next message. Whatever is waiting is taken in first: ten keystrokes are linted once.
    fn next(&mut self) -> Result<Option<Message>, ServerError> {
        if let Ok(message) = self.connection.receiver.try_recv() {
            return Ok(Some(message));
        }
        self.refresh()?;
        if self.held.is_some() && self.has_news {
            if let Ok(message) = self.connection.receiver.recv_timeout(CALM) {
                return Ok(Some(message));
            }
            self.look_again()?;
        }
        Ok(self.connection.receiver.recv().ok())
    }

    /// Lints what is stale and tells the client.
    fn refresh(&mut self) -> Result<(), ServerError> {
        for (method, params) in self.session.refresh() {
            self.send(Notification::new(method.to_owned(), params).into())?;
        }
        if std::mem::take(&mut self.session.must_pull) && self.session.client.refreshes {
            let id = RequestId::from("secretlint-refresh".to_owned());
            let method = WorkspaceDiagnosticRefresh::METHOD.to_owned();
            self.send(Request::new(id, method, serde_json::Value::Null).into())?;
        }
        Ok(())
    }

    /// Answers the held request when there is something new.
    fn look_again(&mut self) -> Result<(), ServerError> {
        self.has_news = false;
        if let Some(held) = self.held.take() {
            match held.answer(&mut self.session) {
                Some(response) => self.send(response.into())?,
                None => self.held = Some(held),
            }
        }
        Ok(())
    }

    /// Lets the held request go without news.
    fn release(&mut self) -> Result<(), ServerError> {
        match self.held.take() {
            Some(held) => self.send(held.released().into()),
            None => Ok(()),
        }
    }

    fn send(&self, message: Message) -> Result<(), ServerError> {
        send(self.connection, message)
    }

    fn answer(&mut self, request: Request) -> Result<(), ServerError> {
        if request.method == WorkspaceDiagnosticRequest::METHOD {
            self.release()?;
            let id = request.id.clone();
            return match serde_json::from_value(request.params) {
                Ok(params) => {
                    self.held = Some(Held::new(id, params));
                    self.look_again()
                }
                Err(error) => self.send(unreadable(id, &error).into()),
            };
        }
        let response = answer(&mut self.session, request);
        self.send(response.into())
    }

    /// Takes in what the client says. What cannot be read is passed over: there is nobody to tell.
    fn note(&mut self, notification: Notification) -> Result<(), ServerError> {
        fn read<P: DeserializeOwned>(notification: Notification) -> Option<P> {
            serde_json::from_value(notification.params).ok()
        }
        self.has_news = true;
        let session = &mut self.session;
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
            DidSaveTextDocument::METHOD => session.saved(),
            DidChangeWatchedFiles::METHOD => {
                if let Some(params) = read(notification) {
                    session.files_changed(&params);
                }
            }
            DidChangeConfiguration::METHOD => session.settings_changed(),
            Cancel::METHOD => {
                if let Some(params) = read::<CancelParams>(notification) {
                    self.cancel(params)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Other requests are answered before a cancellation is read.
    fn cancel(&mut self, params: CancelParams) -> Result<(), ServerError> {
        let id = match params.id {
            NumberOrString::Number(number) => RequestId::from(number),
            NumberOrString::String(text) => RequestId::from(text),
        };
        match self.held.take() {
            Some(held) if held.is(&id) => self.send(held.cancelled().into()),
            other => {
                self.held = other;
                Ok(())
            }
        }
    }
}

fn capabilities(client: &Client) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(convert::encoding(client.unit)),
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
        // A client that cannot ask is not told that it could.
        diagnostic_provider: client.pulls.then(|| {
            DiagnosticServerCapabilities::Options(DiagnosticOptions {
                identifier: Some("secretlint".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: true,
                ..DiagnosticOptions::default()
            })
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

/// Asks to be told when a file changes that decides what is reported.
fn register_watchers(connection: &Connection) -> Result<(), ServerError> {
    let globs = [
        "**/secretlint.toml",
        "**/secretref.toml",
        "**/*.{tf,tofu,tfvars,hcl,nomad,tf.json,tofu.json,tfvars.json,tfstate}",
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

fn answer(session: &mut Session, request: Request) -> Response {
    fn respond<P: DeserializeOwned, R: Serialize>(
        request: Request,
        answer: impl FnOnce(&P) -> R,
    ) -> Response {
        match serde_json::from_value(request.params) {
            Ok(params) => Response::new_ok(request.id, answer(&params)),
            Err(error) => unreadable(request.id, &error),
        }
    }
    match request.method.as_str() {
        CodeActionRequest::METHOD => respond(request, |params| actions::actions(session, params)),
        DocumentDiagnosticRequest::METHOD => {
            respond(request, |params| pull::document(session, params))
        }
        HoverRequest::METHOD => respond(request, |params| actions::hover(session, params)),
        _ => {
            let code = ErrorCode::MethodNotFound as i32;
            let message = format!("{} is not supported", request.method);
            Response::new_err(request.id, code, message)
        }
    }
}

fn unreadable(id: RequestId, error: &serde_json::Error) -> Response {
    Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string())
}

#[cfg(test)]
mod tests;
