import Testing

@testable import Training

@Suite("The plan of a training that is given a time")
struct TimePlanTests {
    private let start = ContinuousClock.now

    private func progress(updates: Int, planned: Int? = nil) -> Training.Progress {
        var progress = Training.Progress()
        (progress.updates, progress.plannedUpdates) = (updates, planned)
        return progress
    }

    @Test(
        "has as many updates as the time allows at the pace of the first, with a validation at the end",
        arguments: [(1.0, 0.0, 60), (1, 9, 51), (25, 0, 2), (59, 0.5, 1), (90, 0, 1)])
    func firstUpdate(seconds: Double, validationUpdates: Double, planned: Int) {
        var plan = TimePlan(minutes: 1, began: start, validationUpdates: validationUpdates)
        plan.begin(now: start)
        var progress = progress(updates: 1)
        plan.plan(&progress, most: 1000, now: start + .seconds(seconds))
        #expect(progress.plannedUpdates == planned)
    }

    @Test("counts what was spent before the first update, and the validation that was measured")
    func spent() {
        var plan = TimePlan(minutes: 1, began: start, spentBefore: 20, validationUpdates: 30)
        plan.begin(now: start + .seconds(10))
        plan.validationSeconds = 4
        var progress = progress(updates: 101)
        plan.plan(&progress, most: 1000, now: start + .seconds(12))
        #expect(progress.plannedUpdates == 101 + (60 - 20 - 12 - 4) / 2)
    }

    @Test("has no more updates than the epochs that are asked for")
    func most() {
        var plan = TimePlan(minutes: 1, began: start, validationUpdates: 0)
        plan.begin(now: start)
        var progress = progress(updates: 1)
        plan.plan(&progress, most: 7, now: start + .seconds(1))
        #expect(progress.plannedUpdates == 7)
    }

    @Test("goes on when a resumed training returns to a checkpoint before the one that it continued from")
    func rollback() {
        var plan = TimePlan(minutes: 1, began: start, validationUpdates: 0)
        plan.begin(now: start)
        for updates in [501, 400] {
            var progress = progress(updates: updates, planned: 600)
            plan.plan(&progress, most: 1000, now: start + .seconds(updates == 501 ? 1 : 2))
            #expect(progress.plannedUpdates == updates + (updates == 501 ? 59 : 58))
        }
    }
}
