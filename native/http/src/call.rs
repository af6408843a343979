//! One call: what has come of its reply, and who waits for more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::fault::Fault;
use crate::post::Post;

/// Bytes of the body that are read before anybody takes them.
pub const AHEAD: usize = 64 * 1024;

/// The head of a reply.
#[derive(Debug)]
pub struct Head {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as they came.
    pub headers: HeaderMap,
}

/// What there is to take.
#[derive(Debug)]
pub enum Taken {
    /// The next piece of the body.
    Piece(Bytes),
    /// The body is over.
    End,
    /// Nothing yet.
    Nothing,
}

#[derive(Debug, Default)]
struct State {
    head: Option<Arc<Head>>,
    pieces: VecDeque<Bytes>,
    held: usize,
    end: Option<Result<(), Fault>>,
    /// Somebody waits for the head and so many bytes of the body, or its end.
    wanted: Option<usize>,
}

impl State {
    fn has(&self, least: usize) -> bool {
        self.end.is_some() || (self.head.is_some() && self.held >= least)
    }
}

/// A call on its way. What comes of it may be looked at from any thread.
#[derive(Debug)]
pub struct Call {
    /// What the post calls it.
    pub number: u64,
    /// Bytes of the body without which there is no reply to speak of.
    least: usize,
    state: Mutex<State>,
    room: Notify,
    post: Arc<Post>,
    task: OnceLock<AbortHandle>,
}

impl Call {
    pub(crate) fn new(number: u64, post: Arc<Post>, least: usize) -> Self {
        let state = State { wanted: Some(least), ..State::default() };
        Self { number, least, state: Mutex::new(state), room: Notify::new(), post, task: OnceLock::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // -- the side that takes

    /// Whether there is something to wait for: then the post rings once there are the head and `least` bytes, or the end.
    pub fn wait(&self, least: usize) -> bool {
        let mut state = self.state();
        if state.has(least) {
            return false;
        }
        state.wanted = Some(least);
        true
    }

    /// The head, once it has come. To be asked for before anything is taken.
    ///
    /// # Errors
    ///
    /// Why there is none, or not as much of the body after it as was asked for, or its end.
    pub fn head(&self) -> Result<Option<Arc<Head>>, Fault> {
        let state = self.state();
        if let Some(Err(fault)) = &state.end
            && (state.head.is_none() || state.held < self.least)
        {
            return Err(fault.clone());
        }
        Ok(state.head.clone())
    }

    /// The next piece.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn take(&self) -> Result<Taken, Fault> {
        let mut state = self.state();
        if let Some(piece) = state.pieces.pop_front() {
            let was_full = state.held >= AHEAD;
            state.held -= piece.len();
            if was_full && state.held < AHEAD {
                self.room.notify_one();
            }
            return Ok(Taken::Piece(piece));
        }
        match &state.end {
            None => Ok(Taken::Nothing),
            Some(Ok(())) => Ok(Taken::End),
            Some(Err(fault)) => Err(fault.clone()),
        }
    }

    /// The rest of the body, if all of it has come.
    pub fn rest(&self) -> Option<Bytes> {
        let mut state = self.state();
        if !matches!(state.end, Some(Ok(()))) {
            return None;
        }
        state.held = 0;
        if state.pieces.len() == 1 {
            return state.pieces.pop_front();
        }
        Some(Bytes::from(std::mem::take(&mut state.pieces).into_iter().collect::<Vec<_>>().concat()))
    }

    /// Ends the call if it is not over; what had come and was not taken is gone.
    pub fn close(&self) {
        let was_over = {
            let mut state = self.state();
            let was_over = matches!(state.end, Some(Ok(())));
            state.pieces.clear();
            state.held = 0;
            state.end = Some(Err(Fault::Closed));
            was_over
        };
        if !was_over && let Some(task) = self.task.get() {
            task.abort();
        }
        self.tell();
    }

    // -- the side that brings

    pub(crate) fn runs(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    pub(crate) fn begun(&self, head: Head) {
        self.state().head = Some(Arc::new(head));
        self.tell();
    }

    /// Hands a piece on, and waits while there is enough that nobody has taken.
    pub(crate) async fn put(&self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let mut is_full = {
            let mut state = self.state();
            state.held += piece.len();
            state.pieces.push_back(piece);
            state.held >= AHEAD
        };
        self.tell();
        while is_full {
            self.room.notified().await;
            is_full = self.state().held >= AHEAD;
        }
    }

    pub(crate) fn over(&self, end: Result<(), Fault>) {
        self.state().end.get_or_insert(end);
        self.tell();
    }

    /// Rings if somebody waits and has what it waits for.
    fn tell(&self) {
        let mut state = self.state();
        if state.wanted.is_some_and(|least| state.has(least)) {
            state.wanted = None;
            drop(state);
            self.post.ring(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use tokio::runtime::Builder;

    use super::{AHEAD, Call, Head, Taken};
    use crate::fault::Fault;
    use crate::post::Post;

    type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

    fn call(least: usize) -> Result<(Arc<Post>, Call)> {
        let post = Arc::new(Post::new()?);
        Ok((Arc::clone(&post), Call::new(7, post, least)))
    }

    fn head() -> Head {
        Head { status: StatusCode::OK, headers: HeaderMap::new() }
    }

    #[test]
    fn it_rings_when_there_is_what_is_waited_for() -> Result {
        Builder::new_current_thread().build()?.block_on(async {
            let (post, call) = call(4)?;
            call.begun(head());
            call.put(Bytes::from_static(b"abc")).await;
            assert!(post.collect().is_empty());
            call.put(Bytes::from_static(b"d")).await;
            assert_eq!(post.collect(), [7]);
            assert!(call.head().is_ok_and(|head| head.is_some()));
            assert!(!call.wait(1));
            Ok(())
        })
    }

    #[test]
    fn a_fault_before_enough_has_come_is_the_heads() -> Result {
        Builder::new_current_thread().build()?.block_on(async {
            for (least, is_fault) in [(4, true), (1, false), (0, false)] {
                let (_, call) = call(least)?;
                call.begun(head());
                call.put(Bytes::from_static(b"abc")).await;
                call.over(Err(Fault::Silence));
                assert_eq!(call.head().is_err(), is_fault, "{least}");
                assert!(matches!(call.take(), Ok(Taken::Piece(_))));
                assert!(matches!(call.take(), Err(Fault::Silence)));
            }
            Ok(())
        })
    }

    #[test]
    fn nobody_reads_far_ahead() -> Result {
        Builder::new_current_thread().build()?.block_on(async {
            let (_, call) = call(1)?;
            let call = Arc::new(call);
            call.begun(head());
            let bringing = Arc::clone(&call);
            let task = tokio::spawn(async move {
                bringing.put(Bytes::from(vec![0; AHEAD])).await;
                bringing.put(Bytes::from_static(b"more")).await;
            });
            tokio::task::yield_now().await;
            assert!(!task.is_finished());
            assert!(matches!(call.take(), Ok(Taken::Piece(_))));
            task.await?;
            assert!(matches!(call.take(), Ok(Taken::Piece(piece)) if piece == "more"));
            assert!(matches!(call.take(), Ok(Taken::Nothing)));
            Ok(())
        })
    }

    #[test]
    fn what_was_closed_stays_closed() -> Result {
        let (post, call) = call(1)?;
        call.close();
        assert_eq!(post.collect(), [7]);
        call.over(Ok(()));
        assert!(matches!(call.take(), Err(Fault::Closed)));
        Ok(())
    }
}
