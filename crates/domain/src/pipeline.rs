//! Where new deals start.

use crate::ids::{PipelineId, StageId};

/// The pipeline that serves a price plan, and the stage at which its deals start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryPoint {
    pub pipeline: PipelineId,
    pub stage: StageId,
}
