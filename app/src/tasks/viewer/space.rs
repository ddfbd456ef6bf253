//! Where lines stand in a space that is far higher than what is on the page: blocks of lines, measured once they were seen.
use std::ops::RangeInclusive;

/// How many lines a block has.
pub const BLOCK: u32 = 100;

/// How many blocks are laid out at most: browsers know no heights beyond some ten million pixels.
const MOST: u32 = 6_000;

/// Blocks of lines, one below the other. A block is known by its number: that of lines 1 to 100 is 0.
#[derive(Clone, Debug)]
pub struct Space {
    /// The number of the line that comes next.
    end: u32,
    /// The first block that is laid out.
    first: u32,
    /// Heights in pixels of the blocks from the first on, where they are known.
    heights: Vec<Option<f64>>,
    /// The height of a line, where its block was not measured.
    line: f64,
}

/// The block of a line.
pub fn block_of(line: u32) -> u32 {
    line.saturating_sub(1) / BLOCK
}

/// The first line of a block.
pub fn first_of(block: u32) -> u32 {
    block.saturating_mul(BLOCK).saturating_add(1)
}

impl Space {
    /// Lines 1 to the one before `end`, each `line` pixels high.
    pub fn new(end: u32, line: f64) -> Self {
        let mut space = Self { end: 1, first: 0, heights: vec![], line };
        space.grow(end);
        space.center(end);
        space
    }

    /// The number of the line that comes next.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Takes in lines up to the one before `end`. The block that was the last is measured anew.
    pub fn grow(&mut self, end: u32) {
        if end <= self.end {
            return;
        }
        self.end = end;
        if let Some(last) = self.heights.last_mut() {
            *last = None;
        }
        let wanted = self.last().map_or(0, |last| last - self.first + 1);
        self.heights.resize(usize::try_from(wanted).unwrap_or(0), None);
    }

    /// The blocks that are laid out; `None` while there are no lines.
    pub fn blocks(&self) -> Option<RangeInclusive<u32>> {
        self.last().map(|last| self.first..=last)
    }

    fn last(&self) -> Option<u32> {
        let all = block_of(self.end.checked_sub(1).filter(|line| *line > 0)?);
        Some(all.min(self.first.saturating_add(MOST - 1)))
    }

    /// How many lines a block has now.
    pub fn lines_in(&self, block: u32) -> u32 {
        self.end.saturating_sub(first_of(block)).min(BLOCK)
    }

    /// Whether more blocks than are laid out come before or after, so that they begin or end within `near` of this one.
    pub fn is_at_edge(&self, block: u32, near: u32) -> bool {
        let Some(blocks) = self.blocks() else { return false };
        let more_before = *blocks.start() > 0 && block < blocks.start().saturating_add(near);
        let more_after = first_of(blocks.end() + 1) < self.end && block.saturating_add(near) > *blocks.end();
        more_before || more_after
    }

    /// Lays out the blocks around a line, where not all can be. True when that changed which.
    pub fn center(&mut self, line: u32) -> bool {
        let all = block_of(self.end.saturating_sub(1)) + 1;
        let first = block_of(line).saturating_sub(MOST / 2).min(all.saturating_sub(MOST));
        let moved = first != self.first;
        if moved {
            self.first = first;
            self.forget();
        }
        moved
    }

    /// Forgets all measures: the width has changed, or how lines are wrapped.
    pub fn forget(&mut self) {
        let wanted = self.last().map_or(0, |last| last - self.first + 1);
        self.heights = vec![None; usize::try_from(wanted).unwrap_or(0)];
    }

    /// Notes what a block measures.
    pub fn measured(&mut self, block: u32, height: f64) {
        let lines = self.lines_in(block);
        if let Some(place) = self.place(block).and_then(|at| self.heights.get_mut(at)) {
            *place = Some(height);
        }
        if lines > 0 && height > 0.0 {
            self.line = height / f64::from(lines);
        }
    }

    fn place(&self, block: u32) -> Option<usize> {
        usize::try_from(block.checked_sub(self.first)?).ok()
    }

    /// The height of a block.
    pub fn height(&self, block: u32) -> f64 {
        let known = self.place(block).and_then(|at| self.heights.get(at).copied().flatten());
        known.unwrap_or_else(|| f64::from(self.lines_in(block)) * self.line)
    }

    /// Where a block begins.
    pub fn top(&self, block: u32) -> f64 {
        (self.first..block).map(|before| self.height(before)).sum()
    }

    /// The height of all.
    pub fn total(&self) -> f64 {
        self.blocks().map_or(0.0, |blocks| blocks.map(|block| self.height(block)).sum())
    }

    /// The blocks between two heights.
    pub fn between(&self, from: f64, until: f64) -> Option<RangeInclusive<u32>> {
        let blocks = self.blocks()?;
        let (mut first, mut last, mut top) = (*blocks.end(), *blocks.start(), 0.0);
        for block in blocks {
            let bottom = top + self.height(block);
            if bottom > from && block < first {
                first = block;
            }
            if top < until {
                last = block;
            }
            top = bottom;
        }
        Some(first.min(last)..=last.max(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_blocks_of_a_hundred() {
        assert_eq!((block_of(1), block_of(100), block_of(101), first_of(2)), (0, 0, 1, 201));
        let space = Space::new(251, 10.0);
        assert_eq!(space.blocks(), Some(0..=2));
        assert_eq!((space.lines_in(0), space.lines_in(2), space.lines_in(3)), (100, 50, 0));
        assert!((space.total() - 2_500.0).abs() < 0.1);
        assert_eq!(Space::new(1, 10.0).blocks(), None);
    }

    #[test]
    fn what_is_in_sight_is_found_by_its_height() {
        let mut space = Space::new(200_001, 20.0);
        assert_eq!(space.between(0.0, 600.0), Some(0..=0));
        assert_eq!(space.between(1_990.0, 2_010.0), Some(0..=1));
        assert_eq!(space.between(1e9, 1e9), Some(1_999..=1_999));
        space.measured(0, 5_000.0);
        assert_eq!(space.between(1_990.0, 2_010.0), Some(0..=0), "a block that was measured is as high as it is");
        assert!((space.top(1) - 5_000.0).abs() < 0.1);
    }

    #[test]
    fn lines_that_come_make_it_higher_and_the_last_block_is_measured_anew() {
        let mut space = Space::new(51, 10.0);
        space.measured(0, 510.0);
        space.grow(151);
        assert_eq!(space.blocks(), Some(0..=1));
        assert!(space.height(0) > 1_000.0);
        space.grow(100);
        assert_eq!(space.end(), 151, "nothing is taken back");
    }

    #[test]
    fn millions_of_lines_are_laid_out_in_part() {
        let mut space = Space::new(8_000_001, 20.0);
        let blocks = space.blocks().unwrap();
        assert_eq!((*blocks.end(), space.is_at_edge(*blocks.start(), 3)), (79_999, true));
        assert!(!space.is_at_edge(79_999, 3), "nothing comes after the end");
        assert!(space.total() < 15e6);
        assert!(space.center(1));
        assert_eq!(*space.blocks().unwrap().start(), 0);
        assert!(!space.center(50), "it is there already");
        assert!(space.is_at_edge(*space.blocks().unwrap().end(), 3));
    }
}
