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

    @Test("a setting that a file of an earlier version lacks has its initial value")
    func earlierVersion() throws {
        var json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(settings)) as? [String: Any])
        for name in ["schedule", "dropout", "heldOut", "secondMomentDecay"] { json[name] = nil }
        json["epochs"] = 7
        let read = try JSONDecoder().decode(Settings.self, from: JSONSerialization.data(withJSONObject: json))
        var expected = settings
        expected.epochs = 7
        #expect(read == expected)
    }

    @Test("every setting survives JSON")
    func json() throws {
        // Every number of the encoded settings is changed; what is read and written again must be
        // the same.
        var json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(settings)) as? [String: Any])
        json["minutes"] = 3.5
        json["documentLimit"] = 9
        json["precision"] = "bf16"
        json["validationTexts"] = ["b.txt"]
        json["schedule"] = "plateau"
        json["heldOut"] = "end"
        json["carriesDocuments"] = true
        json["variationalDropout"] = true
        for (name, value) in json where !["carriesDocuments", "variationalDropout"].contains(name) {
            if let number = value as? Int {
                json[name] = number + 1
            } else if let number = value as? Double {
                json[name] = number + 0.25
            }
        }
        let read = try JSONDecoder().decode(Settings.self, from: JSONSerialization.data(withJSONObject: json))
        let written = try JSONSerialization.jsonObject(with: JSONEncoder().encode(read)) as? [String: Any]
        #expect(NSDictionary(dictionary: json) == NSDictionary(dictionary: try #require(written)))
    }

    @Test("the learning rate follows its schedule")
    func learningRate() {
        var settings = settings
        func rate(epoch: Int = 1, updates: Int = 1000, fraction: Double = 0) -> Double {
            var progress = Progress()
            (progress.epoch, progress.updates) = (epoch, updates)
            return settings.learningRate(progress, fraction: fraction)
        }
        #expect(rate(epoch: 1) == 0.002)
        #expect(rate(epoch: 10) == 0.002)
        #expect(abs(rate(epoch: 12) - 0.002 * 0.97 * 0.97) < 1e-12)
        settings.schedule = .cosine
        #expect(rate(fraction: 0) == 0.002)
        #expect(abs(rate(fraction: 0.5) - 0.001) < 1e-12)
        #expect(rate(fraction: 1) < 1e-12)
        settings.schedule = .linear
        #expect(abs(rate(fraction: 0.75) - 0.0005) < 1e-12)
        settings.warmup = 100
        #expect(abs(rate(updates: 49) - 0.001) < 1e-12)
    }
}
