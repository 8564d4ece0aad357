//! Credit in plain Rust, recomputed from all rows.

use std::collections::BTreeMap;

use super::{
    recompute::Recomputed,
    sample::{Conversion, Sample, Touch},
};
use crate::{
    attribution::{
        model::{Credit, Minor, Model, Step, share},
        report::{
            Filter, FilterField, Range,
            credit::{CreditSettings, Revenue, Share},
            filter::NOT_SET,
        },
    },
    id::{ConversionId, UserId},
};

/// The shares of a conversion or refund by each of [`Model::ALL`]. Without a touch, the share is Direct's.
type Shares<'a> = [Vec<(Option<&'a Touch>, Share)>; 6];

/// The shares of all conversions of a sample.
pub struct NaiveCredit<'a> {
    sample: &'a Sample,
    settings: CreditSettings,
    credited: Vec<(&'a Conversion, Shares<'a>)>,
}

impl<'a> NaiveCredit<'a> {
    pub fn new(sample: &'a Sample, settings: CreditSettings) -> Self {
        let mut naive = Self { sample, settings, credited: Vec::new() };
        naive.credited = sample
            .conversions
            .iter()
            .map(|conversion| (conversion, Model::ALL.map(|model| naive.credit(conversion, model))))
            .collect();
        naive
    }

    pub fn shares(&self, conversion: ConversionId, model: Model) -> &[(Option<&'a Touch>, Share)] {
        let (_, shares) = self.credited.iter().find(|(row, _)| row.id == conversion).expect("a conversion");
        &shares[Model::ALL.iter().position(|each| *each == model).expect("a model")]
    }

    pub fn owner(&self, touch: &Touch) -> Option<UserId> {
        self.sample.visitors.iter().find(|visitor| visitor.id == touch.visitor)?.user
    }

    /// Returns the revenue that the filter finds in the range, by the key of each touch. Shares of zero are left out.
    pub fn earned<K: Ord>(
        &self,
        filter: &Filter,
        range: Range,
        model: Model,
        key: impl Fn(Option<&Touch>) -> K,
    ) -> BTreeMap<K, Revenue> {
        let mut earned: BTreeMap<K, Revenue> = BTreeMap::new();
        let of_kind = |row: &Conversion| filter.kind.as_deref().is_none_or(|kind| kind == row.kind);
        for (conversion, _) in &self.credited {
            if !range.contains(conversion.occurred_at) || !of_kind(conversion) {
                continue;
            }
            for (touch, part) in self.shares(conversion.id, model) {
                let nothing = *part == Share::default() && touch.is_some();
                if self.finds(filter, conversion, *touch) && !nothing {
                    earned.entry(key(*touch)).or_default().add(*part, conversion.currency);
                }
            }
        }
        earned
    }

    pub fn finds(&self, filter: &Filter, conversion: &Conversion, touch: Option<&Touch>) -> bool {
        if let Some(touch) = touch {
            return Recomputed { sample: self.sample, filter }.matches(touch);
        }
        let user = self.sample.users.iter().find(|user| user.id == conversion.user).expect("its user");
        let named = filter.q.as_ref().is_none_or(|q| user.email.to_lowercase().contains(&q.to_lowercase()));
        named
            && FilterField::ALL.into_iter().all(|field| match filter.get(field) {
                None => true,
                Some(value) => value == if field == FilterField::Channel { "Direct" } else { NOT_SET },
            })
    }

    fn credit(&self, conversion: &Conversion, model: Model) -> Vec<(Option<&'a Touch>, Share)> {
        let path = self.path(conversion);
        let conversions = if conversion.refund_of.is_some() { Credit::ZERO } else { Credit::ONE };
        if path.is_empty() {
            return vec![(None, Share { conversions, value: conversion.value })];
        }
        let place = |touch: &Touch| self.sample.touches.iter().position(|other| other.tuple() == touch.tuple());
        let steps: Vec<Step> = path
            .iter()
            .map(|touch| Step {
                at: touch.occurred_at,
                direct: touch.channel == "Direct",
                key: place(touch).expect("its own") as u64,
            })
            .collect();
        let weights = &self.settings.weights;
        let money = |total: Minor| share(model, weights, &steps, total);
        let values: Vec<Minor> = match conversion.refund_of {
            None => money(conversion.value),
            Some(_) => money(self.left(conversion, true))
                .into_iter()
                .zip(money(self.left(conversion, false)))
                .map(|(after, before)| after - before)
                .collect(),
        };
        path.into_iter()
            .zip(share(model, weights, &steps, conversions).into_iter().zip(values))
            .map(|(touch, (conversions, value))| (Some(touch), Share { conversions, value }))
            .collect()
    }

    fn path(&self, conversion: &Conversion) -> Vec<&'a Touch> {
        let at = self.first(conversion).occurred_at;
        let window = self.settings.window_of(conversion.kind);
        let mut touches: Vec<&Touch> = self
            .sample
            .touches
            .iter()
            .filter(|touch| touch.occurred_at <= at && touch.occurred_at >= at - window)
            .filter(|touch| self.settings.internal_touches || !touch.internal)
            .filter(|touch| self.owner(touch) == Some(conversion.user))
            .collect();
        touches.sort_by_key(|touch| (touch.occurred_at, touch.visitor, touch.id));
        touches.dedup_by(|next, one| next.tuple() == one.tuple());
        touches
    }

    fn first<'c>(&'c self, conversion: &'c Conversion) -> &'c Conversion {
        match conversion.refund_of {
            Some(of) => self.sample.conversions.iter().find(|first| first.id == of).expect("the first"),
            None => conversion,
        }
    }

    /// Returns what is left of a conversion after its refunds up to this refund, which is included or not.
    fn left(&self, refund: &Conversion, included: bool) -> Minor {
        let first = self.first(refund);
        let refunds = self.sample.conversions.iter().filter(|other| other.refund_of == Some(first.id));
        let earlier = refunds.filter(|other| {
            let (one, this) = ((other.occurred_at, other.id), (refund.occurred_at, refund.id));
            one < this || (included && one == this)
        });
        first.value + earlier.map(|refund| refund.value).sum::<Minor>()
    }
}
