import Core

/// What a training does about a loss that diverges.
extension TrainingRun {
    /// The most times that a training returns to an earlier checkpoint.
    static let mostRollbacks = 5

    /// Returns to the checkpoint with the lowest validation loss, or to the beginning if there is
    /// none, and halves the learning rate. Both places depend on the training alone, not on when
    /// checkpoints were written, so that a resumed training does the same.
    ///
    /// - Throws: ``TrainingError/diverged(update:)`` when that has been tried often enough.
    func rollBack(from update: Int) throws {
        let rollbacks = (progress.rollbacks ?? 0) + 1
        guard rollbacks <= TrainingRun.mostRollbacks else { throw TrainingError.diverged(update: update) }
        let factor = progress.rateFactor / 2
        let plan = progress.plannedUpdates
        if progress.bestValidationLoss != nil {
            let checkpoint = try Checkpoint(RunFolder.File.bestCheckpoint, in: folder)
            progress = checkpoint.progress
            begin()
            try checkpoint.restore(network, optimiser, state)
        } else {
            progress = Progress()
            begin()
        }
        progress.rollbacks = rollbacks
        progress.reduction = factor
        progress.plannedUpdates = plan
        share()
        _ = try folder.cutReports(to: progress)
        try folder.cutSamples(to: progress)
        try save()
    }

    /// Sets the parameters to their initial values, and forgets what the optimiser knows.
    func begin() {
        var random = SplitMix64(seed: settings.seed)
        // The padding too, which may be NaN after a divergence.
        network.parameters.clear()
        network.parameters.initialise(
            range: Float(settings.initialRange), forgetBias: Float(settings.forgetBias), random: &random)
        initial?.copy(to: network.parameters, vocabulary, corpus.labels?.labels)
        optimiser.reset()
        state?.reset()
    }
}
