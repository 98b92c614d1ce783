import Foundation
import TestSupport
import Testing
import Training

@testable import Trainer

@Suite("Errors of training in the command's words")
struct ErrorMessageTests {
    @Test("each setting has an option of trainer train", arguments: Settings.Name.allCases)
    func options(setting: Settings.Name) {
        let options = Train.helpMessage().split { $0.isWhitespace || $0 == "," }
        #expect(options.contains { $0 == setting.option })
    }

    @Test(
        "an error says what is wrong, and which option helps",
        arguments: [
            (.invalidSetting(.hiddenSize, expected: "from 1 to 9, not 0"), "--hidden must be from 1 to 9, not 0"),
            (
                .corpusTooShort(symbols: 5, needed: 9),
                "the corpus is too short: it has 5 characters, and these settings need 9; "
                    + "add text, or hold less out with --validation"
            ),
            (
                .documentsTooShort(needed: 110),
                "no document has the 110 characters that these settings need; choose a smaller --time"
            ),
            (
                .documentTooLong(characters: 9, limit: 5),
                "a document has 9 characters, and windows of one document allow 5; "
                    + "say with --documents what a document is, or choose another --batching"
            ),
            (
                .corpusChanged,
                "the corpus is not the one this training began with; restore it, or start another training"
            ),
            (
                .diverged(update: 7),
                "the loss diverged at update 7, after several returns to an earlier checkpoint; the last one is kept; "
                    + "start again with a smaller --learning-rate or a tighter --clip-norm"
            ),
            (
                .runExists(path: "a/b"),
                "cannot use the run 'a/b': it holds a training already; "
                    + "continue it with `trainer resume a/b`, or choose another --run"
            ),
            (
                .runFinished(path: "run", done: "its 2 epochs are done"),
                "cannot use the run 'run': its 2 epochs are done; ask for more with --epochs or --minutes"
            ),
            (.invalidRun(path: "run", "it is empty"), "cannot use the run 'run': it is empty"),
            (.cannotWrite(path: "m", reason: "No space left"), "cannot write 'm': No space left"),
        ] as [(TrainingError, String)])
    func messages(error: TrainingError, message: String) {
        #expect(error.localizedDescription == message)
        #expect(!error.description.contains("--"))
    }
}
