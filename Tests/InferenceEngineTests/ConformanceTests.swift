import Core
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

/// The text that every backend, on every processor, must generate for a model, a seed, a
/// temperature and a prompt. A change of any of these texts breaks the promise that a model file
/// and a seed give one text.
@Suite struct ConformanceTests {
    struct Case: Sendable {
        var cell: Cell
        var seed: UInt64
        var temperature: Float
        var prompt: String
        /// The next 60 symbols, `¶` for the end of a document.
        var text: String
        /// FNV-1a over the bit patterns of all logits, which reveals differences too small to
        /// change the text.
        var logits: UInt64
    }

    static let cases = [
        Case(
            cell: .rnn, seed: 0, temperature: 1, prompt: "",
            text: "xbgzimb中ozkz中kzkm中b中ozékzokznzobdbyzbkzbkb k中zzbzbzzc,zkc中v中",
            logits: 0x67BC_A160_7224_1BCD),
        Case(
            cell: .rnn, seed: 42, temperature: 0.5, prompt: "hello ",
            text: "jko中b中szoz 中lzbmzbkékzkz.kzbzzbzm中ozbzjkmkkkmmboz中kzkbob中z中k",
            logits: 0x2050_5DFA_6A96_0436),
        Case(
            cell: .rnn, seed: 0, temperature: 0, prompt: "été",
            text: "kb中bkb.z中kboz bm中mkb中zjzézbjbzobzo中kzbzokzkmzbo中bzbkzkkékz中k",
            logits: 0xC153_9B98_D06A_B23E),
        Case(
            cell: .gru, seed: 0, temperature: 1, prompt: "",
            text: "😀pa¶amdyp😀p😀pp😀pl😀a😀😀v😀m😀paap😀😀caa😀paapapaaa😀😀nppa😀😀aa😀pa😀😀t",
            logits: 0x5A44_FA8E_25E6_B4D5),
        Case(
            cell: .gru, seed: 42, temperature: 0.5, prompt: "hello ",
            text: "pnpxm😀p¶😀¶mmp中¶😀p¶mp😀a😀paa😀p😀plpa😀😀paa😀ppaa😀😀paa😀😀paapa😀中😀😀a",
            logits: 0x5F37_880C_59BB_8B0B),
        Case(
            cell: .gru, seed: .max, temperature: 2, prompt: "中",
            text: "😀😀dpt中😀iéa.中,😀mwncaonppacr😀péaa😀p😀placcmyuayncp中中😀bzyamkmcxm",
            logits: 0xC05A_E6EB_A9B6_AD6F),
        Case(
            cell: .lstm, seed: 0, temperature: 1, prompt: "",
            text: "😀j.¶alcvd😀nvprvonvdzét中izqndt中中d, xlddnkpa aw中dlncééc vrcv¶t",
            logits: 0x5C9E_D5DA_5267_1B65),
        Case(
            cell: .lstm, seed: 42, temperature: 0.5, prompt: "hello ",
            text: "tccncvnvntnppptddndt中cotcdvvvrtvu¶vlcntcncdvtncdp¶nllnavttéa",
            logits: 0x807F_96CF_23DC_ADC1),
        Case(
            cell: .lstm, seed: .max, temperature: 2, prompt: "😀",
            text: "中😀dmvy😀fv  y zdtkccmltndcrzmv cél😀qj.eelwv,vlbnzxwcxvamgkdxk",
            logits: 0xCF9B_E412_4A76_7191),
        Case(
            cell: .gru, seed: 0, temperature: 0, prompt: "abc",
            text: "cccnnccaanpaaa😀pa😀pppaappaapaapaapaapaapaapaappaaa😀paappaaa😀",
            logits: 0x5CCB_63FF_8E99_7AE1),
    ]

    @Test("Every backend gives the text on record", arguments: cases)
    func conformance(_ expected: Case) throws {
        let bytes = try randomModel(
            expected.cell, layers: 2, hiddenSize: 40, characters: "abcdefghijklmnopqrstuvwxyz .,é中😀",
            carriesDocuments: true, range: 0.8, seed: 77)
        for backend in Backend.available {
            let session = try session(
                bytes, backend: backend, temperature: expected.temperature, seed: expected.seed)
            try session.feed(expected.prompt)
            var text = ""
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for _ in 0..<60 {
                for bits in session.logitBits {
                    for shift in [0, 8, 16, 24] as [UInt32] {
                        hash = (hash ^ UInt64(bits >> shift & 0xFF)) &* 0x100_0000_01B3
                    }
                }
                text += session.text(1)
            }
            #expect(text == expected.text, "\(backend.name)")
            #expect(hash == expected.logits, "\(backend.name)")
        }
    }

    // MARK: - Weight types, threads and batches

    /// A model's hash: over the texts and the bits of the logits that ``runs`` give with it.
    struct Hash: Sendable {
        var cell: Cell
        var weights: ElementType
        /// Whether the state is carried from one document into the next.
        var carriesDocuments = true
        /// Whether it has an unknown symbol, and ASCII characters only, so that the prompts have
        /// unknown ones.
        var hasUnknown = false
        var value: UInt64
    }

    /// Settings and prompts that differ in everything.
    static let runs: [(seed: UInt64, temperature: Float, prompt: String)] = [
        (0, 1, ""), (42, 0.5, "hello été, "), (7, 0, "中"),
        (.max, 2, "a prompt of more than a block of characters, été"),
    ]

    static let hashes = [
        Hash(cell: .rnn, weights: .float32, value: 0xC479_0047_9BCC_337F),
        Hash(cell: .rnn, weights: .bfloat16, value: 0x053C_082A_A72A_6E2B),
        Hash(cell: .rnn, weights: .int8, value: 0x8C8F_4167_08B2_2331),
        Hash(cell: .rnn, weights: .int4, value: 0xDFDC_B13C_ACEC_1A41),
        Hash(cell: .gru, weights: .float32, value: 0x604C_27F4_C372_BFF6),
        Hash(cell: .gru, weights: .bfloat16, value: 0x7BD4_D9FF_9990_A6CE),
        Hash(cell: .gru, weights: .int8, value: 0x353F_E02E_E10D_2D95),
        Hash(cell: .gru, weights: .int4, value: 0x40CF_9DBC_F003_195D),
        Hash(cell: .lstm, weights: .float32, value: 0x1E21_3C02_63B4_A5BE),
        Hash(cell: .lstm, weights: .bfloat16, value: 0xB8F2_D07F_EAA2_5349),
        Hash(cell: .lstm, weights: .int8, value: 0x8695_8B4D_EE67_C78C),
        Hash(cell: .lstm, weights: .int4, value: 0x89C3_A834_2DDE_1D5B),
        Hash(cell: .rnn, weights: .int8, carriesDocuments: false, value: 190_422_786_796_327_868),
        Hash(cell: .gru, weights: .int8, carriesDocuments: false, value: 1_655_518_652_820_189_374),
        Hash(cell: .lstm, weights: .int4, carriesDocuments: false, value: 15_835_248_290_190_557_604),
        Hash(cell: .rnn, weights: .int8, carriesDocuments: false, hasUnknown: true, value: 1_153_902_590_512_273_147),
        Hash(cell: .gru, weights: .float32, hasUnknown: true, value: 14_066_203_585_741_876_788),
        Hash(
            cell: .lstm, weights: .int4, carriesDocuments: false, hasUnknown: true,
            value: 13_108_184_269_666_682_737),
    ]

    @Test("Every backend gives the hash on record: alone, on threads, step by step and in batches", arguments: hashes)
    func hashConformance(_ expected: Hash) throws {
        // Three tiles of units, the last one padded.
        let bytes = try randomModel(
            expected.cell, layers: 2, hiddenSize: 150,
            characters: "abcdefghijklmnopqrstuvwxyz .," + (expected.hasUnknown ? "" : "é中😀"),
            hasUnknown: expected.hasUnknown, carriesDocuments: expected.carriesDocuments, range: 0.3, seed: 78,
            weights: expected.weights)
        for backend in Backend.available {
            let model = try bytes.withUnsafeBytes { try Model(bytes: $0, backend: backend) }
            for threads in [1, 2, 3] {
                let sessions = try newSessions(model)
                for (session, run) in zip(sessions, Self.runs) {
                    try session.setThreads(threads)
                    try session.feed(run.prompt)
                }
                let alone = hash(sessions) { sessions.map { $0.next() } }
                #expect(alone == expected.value, "\(backend.name), \(threads) threads")

                let together = try newSessions(model)
                let batch = try Batch(model, capacity: together.count, threads: threads)
                let prompts = Self.runs.map { Array($0.prompt.utf8) }
                try batch.feed(together, prompts)
                let batched = try hash(together) { try batch.next(together) }
                #expect(batched == expected.value, "\(backend.name), a batch on \(threads) threads")
            }
            let stepped = try newSessions(model)
            for (session, run) in zip(stepped, Self.runs) {
                for character in run.prompt { try session.feed(String(character)) }
            }
            #expect(hash(stepped) { stepped.map { $0.next() } } == expected.value, "\(backend.name), step by step")
        }
    }

    private func newSessions(_ model: Model) throws -> [Session] {
        try Self.runs.map { run in
            let session = try Session(model)
            try session.setTemperature(run.temperature)
            session.seed = run.seed
            return session
        }
    }

    /// FNV-1a over each session's next 20 symbols and their logits.
    private func hash(_ sessions: [Session], _ next: () throws -> [Unicode.Scalar?]) rethrows -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for _ in 0..<20 {
            let logits = sessions.flatMap(\.logitBits)
            for word in try logits + next().map({ $0?.value ?? .max }) {
                for shift in [0, 8, 16, 24] as [UInt32] {
                    hash = (hash ^ UInt64(word >> shift & 0xFF)) &* 0x100_0000_01B3
                }
            }
        }
        return hash
    }
}
