//! Which provider and model a reply is from, as a number that fits into every stored reply.
//!
//! **Policy**: a pair is never forgotten, and there are at most [`MOST`] of them; all further ones are number 0.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::Tokens;

/// Most pairs of provider and model that are told apart.
pub const MOST: usize = 1 << 16;

/// What a token costs, in US dollars.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rates {
    /// One that is read.
    pub input: f64,
    /// One that is written.
    pub output: f64,
    /// One that is read from the provider's prompt cache.
    pub cached: f64,
    /// One that is written to it.
    pub cache_write: f64,
}

impl Rates {
    /// What a reply costs, in US dollars.
    #[must_use]
    pub fn cost(&self, tokens: &Tokens) -> f64 {
        // A provider that counts more cached tokens than tokens has none that are fresh.
        let fresh = tokens.input.saturating_sub(tokens.cached).saturating_sub(tokens.cache_write);
        f64::from(fresh) * self.input
            + f64::from(tokens.cached) * self.cached
            + f64::from(tokens.cache_write) * self.cache_write
            + f64::from(tokens.output) * self.output
    }
}

/// One provider's model.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The provider's id.
    pub provider: Box<str>,
    /// The model.
    pub model: Box<str>,
    /// What its tokens cost; `None` until somebody has said so.
    pub rates: Option<Rates>,
}

#[derive(Debug)]
struct Inner {
    numbers: HashMap<Box<str>, u32>,
    list: Vec<Origin>,
}

/// All pairs of provider and model that have been seen.
#[derive(Debug)]
pub struct Origins {
    inner: RwLock<Inner>,
}

impl Default for Origins {
    fn default() -> Self {
        let none = Origin { provider: "".into(), model: "".into(), rates: Some(Rates::default()) };
        Self { inner: RwLock::new(Inner { numbers: HashMap::new(), list: vec![none] }) }
    }
}

impl Origins {
    /// The number of a provider's model.
    pub fn number(&self, provider: &str, model: &str) -> u32 {
        let name = format!("{provider}\n{model}").into_boxed_str();
        if let Some(number) = self.read().numbers.get(&name) {
            return *number;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let next = inner.list.len();
        if let Some(number) = inner.numbers.get(&name) {
            return *number; // another thread was faster
        }
        let Some(number) = u32::try_from(next).ok().filter(|_| next < MOST) else { return 0 };
        inner.numbers.insert(name, number);
        inner.list.push(Origin { provider: provider.into(), model: model.into(), rates: None });
        number
    }

    /// What stands behind a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<Origin> {
        self.read().list.get(number as usize).cloned()
    }

    /// The model behind a number; empty if there is none.
    #[must_use]
    pub fn model(&self, number: u32) -> Box<str> {
        self.read().list.get(number as usize).map_or_else(|| "".into(), |origin| origin.model.clone())
    }

    /// Says what the tokens of a provider's model cost.
    pub fn price(&self, provider: &str, model: &str, rates: Rates) {
        let number = self.number(provider, model);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if number > 0
            && let Some(origin) = inner.list.get_mut(number as usize)
        {
            origin.rates = Some(rates);
        }
    }

    /// Those whose price nobody has told, as provider and model.
    #[must_use]
    pub fn unpriced(&self) -> Vec<(String, String)> {
        let inner = self.read();
        let unpriced = inner.list.iter().filter(|origin| origin.rates.is_none());
        unpriced.map(|origin| (origin.provider.to_string(), origin.model.to_string())).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_keeps_its_number_and_its_price() {
        let origins = Origins::default();
        let number = origins.number("openai", "gpt-4o-mini");
        assert_eq!(number, origins.number("openai", "gpt-4o-mini"));
        assert_ne!(number, origins.number("azure", "gpt-4o-mini"));
        assert_eq!(origins.unpriced().len(), 2);
        origins.price("openai", "gpt-4o-mini", Rates { input: 1.0, ..Rates::default() });
        assert_eq!(origins.unpriced(), [("azure".to_owned(), "gpt-4o-mini".to_owned())]);
        let rates = origins.get(number).and_then(|origin| origin.rates);
        assert_eq!(rates.map(|rates| rates.input), Some(1.0));
    }

    #[test]
    fn each_kind_of_token_has_its_own_price() {
        let rates = Rates { input: 1.0, output: 10.0, cached: 0.5, cache_write: 2.0 };
        let tokens =
            Tokens { input: 100, output: 3, cached: 40, cache_write: 10, reasoning: 2, estimated: false };
        let cost = rates.cost(&tokens);
        assert!((cost - (50.0 + 20.0 + 20.0 + 30.0)).abs() < 1e-9, "{cost}");
        let odd = Tokens { input: 1, cached: 5, ..Tokens::default() };
        assert!((rates.cost(&odd) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let origins = Origins::default();
        for number in 0..MOST + 10 {
            origins.number("p", &number.to_string());
        }
        assert_eq!(origins.number("p", "one more"), 0);
        assert_eq!(origins.number("p", "0"), 1);
    }
}
