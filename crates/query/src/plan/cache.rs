//! Plans kept by the shape of their requests, so that a request like an earlier one is not planned again: its values are read, and
//! nothing else. What it gives is what planning anew gives, for every request and caller.
//!
//! Planning says for each value from which text of the request it was read. A plan is kept only when every value has such an origin;
//! values that cannot be read are left to planning, which refuses them in its own order.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use plinth_catalog::Catalog;
use plinth_values::{Modifier, Type, Value, input};

use super::planner::Origin;
use super::{AppliedPolicy, Compiled, Plan, PlannedAction, limits, start};
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::request::{Count, Request};
use crate::shape::{Shape, shape};

/// A longer shape is not kept: plans grow with their requests, and what is asked so verbosely is planned in a fraction of the time
/// that it takes to run.
const MAX_KEY_BYTES: usize = 2048;

/// Plans of one catalog, by shape.
#[derive(Debug)]
pub struct PlanCache {
    most: usize,
    kept: RwLock<Kept>,
}

/// When `recent` is full it becomes `older`, and what was older is forgotten: a plan in use is moved back.
#[derive(Debug, Default)]
struct Kept {
    /// The catalog that all plans were made with. Held, so that no other one can come to have its address
    catalog: Option<Arc<Catalog>>,
    recent: HashMap<Vec<u8>, Arc<KeptPlan>>,
    older: HashMap<Vec<u8>, Arc<KeptPlan>>,
}

/// A plan without its values.
#[derive(Debug)]
struct KeptPlan {
    action: Arc<PlannedAction>,
    count: Option<Count>,
    version: usize,
    applied: Arc<[AppliedPolicy]>,
    compiled: Compiled,
    /// The type that each value is read as, and which of the request's texts it is read from
    values: Vec<(Type, usize)>,
}

impl PlanCache {
    /// A cache of at most so many plans; none are kept when it is 0.
    pub fn new(most: usize) -> PlanCache {
        PlanCache { most, kept: RwLock::default() }
    }

    /// The plan of a request, as [`super::plan`] gives it.
    pub fn plan(&self, catalog: &Arc<Catalog>, caller: &Caller, request: &Request) -> Result<Plan, Refusal> {
        let shape = match self.most {
            0 => None,
            _ => shape(&caller.role, request).filter(|shape| shape.key.len() <= MAX_KEY_BYTES),
        };
        let Some(shape) = shape else { return start::plan(catalog, caller, request) };
        if let Some(kept) = self.find(catalog, &shape.key) {
            limits::check(request)?;
            if let Some(values) = read(&kept, &shape, caller) {
                let KeptPlan { action, count, version, applied, compiled, values: _ } = &*kept;
                let (action, applied, compiled) = (action.clone(), applied.clone(), compiled.clone());
                return Ok(Plan { action, values, count: *count, version: *version, applied, compiled });
            }
            return start::plan(catalog, caller, request);
        }
        let (plan, origins) = start::plan_with_origins(catalog, caller, request)?;
        if let Some(values) = recipe(&plan, &origins, &shape.texts) {
            let Plan { action, values: _, count, version, applied, compiled } = plan.clone();
            self.keep(catalog, shape.key, KeptPlan { action, count, version, applied, compiled, values });
        }
        Ok(plan)
    }

    fn find(&self, catalog: &Arc<Catalog>, key: &[u8]) -> Option<Arc<KeptPlan>> {
        let is_same = |kept: &Kept| kept.catalog.as_ref().is_some_and(|known| Arc::ptr_eq(known, catalog));
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if !is_same(&kept) {
                return None;
            }
            if let Some(plan) = kept.recent.get(key) {
                return Some(plan.clone());
            }
            kept.older.get(key)?;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let (key, plan) = kept.older.remove_entry(key).filter(|_| is_same(&kept))?;
        kept.insert(self.most, key, plan.clone());
        Some(plan)
    }

    fn keep(&self, catalog: &Arc<Catalog>, key: Vec<u8>, plan: KeptPlan) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if !kept.catalog.as_ref().is_some_and(|known| Arc::ptr_eq(known, catalog)) {
            *kept = Kept { catalog: Some(catalog.clone()), ..Kept::default() };
        }
        kept.insert(self.most, key, Arc::new(plan));
    }
}

impl Kept {
    fn insert(&mut self, most: usize, key: Vec<u8>, plan: Arc<KeptPlan>) {
        // Both halves together have at most as many as are to be kept.
        if self.recent.len() >= most.div_ceil(2) {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, plan);
    }
}

/// The values of a request of a plan's shape; `None` when one of them cannot be read.
fn read(kept: &KeptPlan, shape: &Shape<'_>, caller: &Caller) -> Option<Vec<(Type, Value)>> {
    let value = |(ty, text): &(Type, usize)| {
        let text = shape.texts.get(*text)?;
        Some((ty.clone(), input::from_text(ty, Modifier::None, text, &caller.session).ok()?))
    };
    kept.values.iter().map(value).collect()
}

/// How a plan's values are read from the texts of its request; `None` when that is not known of each of them.
fn recipe(plan: &Plan, origins: &[Option<Origin>], texts: &[&str]) -> Option<Vec<(Type, usize)>> {
    if plan.values.len() != origins.len() {
        return None;
    }
    let from = |((ty, _), origin): (&(Type, Value), &Option<Origin>)| {
        let origin = origin.as_ref()?;
        Some((ty.clone(), texts.iter().position(|text| Origin::of(text).as_ref() == Some(origin))?))
    };
    plan.values.iter().zip(origins).map(from).collect()
}
