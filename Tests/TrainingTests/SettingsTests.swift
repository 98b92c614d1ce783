import Foundation
import Testing

@testable import Training

@Suite("Settings")
struct SettingsTests {
    private let settings = Settings(corpus: CorpusSource(paths: ["a.txt"]))

    @Test("the defaults are valid, and survive JSON")
    func defaults() throws {
        try settings.validate()
        #expect(try JSONDecoder().decode(Settings.self, from: JSONEncoder().encode(settings)) == settings)
    }

    @Test("a value outside its range is refused by its name")
    func ranges() {
        func refused(_ change: (inout Settings) -> Void) -> Settings.Name? {
            var changed = settings
            change(&changed)
            do { try changed.validate() } catch TrainingError.invalidSetting(let name, _) { return name } catch {}
            return nil
        }
        #expect(refused { $0.layers = 0 } == .layers)
        #expect(refused { $0.hiddenSize = 20_000 } == .hiddenSize)
        #expect(refused { $0.batchSize = -1 } == .batchSize)
        #expect(refused { $0.time = 0 } == .time)
        #expect(refused { $0.learningRate = .nan } == .learningRate)
        #expect(refused { $0.learningRate = 0 } == .learningRate)
        #expect(refused { $0.clipNorm = -1 } == .clipNorm)
        #expect(refused { $0.validationFraction = 0.9 } == .validationFraction)
        #expect(refused { $0.threads = 0 } == .threads)
        #expect(refused { $0.epochs = 0 } == .epochs)
        #expect(
            TrainingError.invalidSetting(.batchSize, expected: "from 1 to 9, not 0").description
                == "batchSize must be from 1 to 9, not 0")
    }

    @Test("the learning rate falls after `decayAfter` epochs")
    func learningRate() {
        #expect(settings.learningRate(epoch: 1) == 0.002)
        #expect(settings.learningRate(epoch: 10) == 0.002)
        #expect(abs(settings.learningRate(epoch: 12) - 0.002 * 0.97 * 0.97) < 1e-12)
    }
}
