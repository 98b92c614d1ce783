import CIntrinsics
import Core
import KernelDispatch
import Kernels
import ModelFormat
import ThreadPool

/// A recurrent network in training: its parameters, and their gradients over a minibatch.
///
/// An update has three phases, each distributed among the workers of a thread pool: the parameters
/// are packed for the products; the rows of the minibatch pass through all layers forward and
/// backward, one chunk of rows per worker; the gradients of the parameters are computed in chunks,
/// each over all rows of a slice, and those of the slices added up. Every number is one chain of
/// operations in an order that depends on none of this, so the result is the same on any number of
/// threads and ranks and with every backend.
///
/// Several ranks take the slices of each minibatch together. Then the gradients of each layer are
/// computed as soon as its backward pass is over, and are on their way to the other ranks during
/// that of the layer below.
final class Network: ParallelWork {
    let layout: ParameterLayout
    let parameters: Parameters
    /// The gradients of the last ``gradient(_:of:state:noise:)``; with several ranks, this one's
    /// shard of them.
    let gradients: Parameters
    let backend: Backend
    let kernels: TrainingKernels
    let pool: ThreadPool
    /// The slices of a minibatch, whose gradients are computed by themselves.
    let slices: Int
    /// The processes that train together; nil if there is one.
    let ranks: Ranks?
    let shards: Shards
    private let gradientSum: GradientSum?
    /// The other ranks' symbols.
    private var sentSymbols: [MinibatchSymbols] = []
    /// The sum of the second half of the slices at each level of the tree, until it is added.
    private let partialSums: [Parameters]
    /// The loss of each slice.
    private let losses: AlignedBuffer<Double>
    private let resetSymbol: Int?
    private let labelColumns: Int

    private let layers: [LayerWeights]
    private let output: PackedWeights
    /// The symbols of a pass that has not all; nil if each has.
    private let sample: SymbolSample?
    private var activations: Activations
    private let division: RowDivision
    private let dropout: Dropout
    /// What the workers do next.
    private var task = Task.packing(nil)

    /// The work that is distributed.
    private enum Task {
        case packing(Noise?)
        case rows(Pass)
        case backward(Pass, layers: Range<Int>)
        case gradients(Shards.Wave, slice: Int, Parameters, Noise?)
        /// A sum of gradients is added to another.
        case addition(Parameters, to: Parameters, Range<Int>)
    }

    /// - Parameters:
    ///   - threads: The number of threads that work on a minibatch, at least 1.
    ///   - precision: What the products' factors are rounded to.
    ///   - resetSymbol: The symbol that is read from the initial state, wherever it stands; nil for
    ///     none.
    ///   - labelColumns: The number of columns of the shape's labels; 0 if the initial state is
    ///     zero.
    ///   - dropout: What ``gradient(_:of:state:noise:)`` drops.
    ///   - slices: The slices of a minibatch, at least as many as ranks.
    ///   - ranks: The processes that train together; nil if there is one.
    init(
        _ shape: ModelShape, threads: Int, backend: Backend, precision: Settings.Precision = .f32,
        resetSymbol: Int? = nil, labelColumns: Int = 0, dropout: Dropout = Dropout(), slices: Int = 1,
        ranks: Ranks? = nil
    ) throws(ChargenError) {
        layout = ParameterLayout(shape)
        parameters = try Parameters(layout)
        gradients = try Parameters(layout)
        self.backend = backend
        kernels = backend.trainingKernels(inBFloat16: precision == .bf16)
        pool = try ThreadPool(size: threads)
        division = try RowDivision(chunks: threads)
        self.slices = slices
        self.ranks = ranks
        shards = Shards(layout, ranks: ranks?.size ?? 1)
        var gradientSum: GradientSum?
        if let ranks { gradientSum = try GradientSum(ranks, shards, slices: slices, gradients, kernels) }
        self.gradientSum = gradientSum
        let nodes = gradientSum?.ownNodes ?? [0..<slices]
        var partialSums: [Parameters] = []
        for _ in 0..<(nodes.map(SliceTree.levels).max() ?? 0) { partialSums.append(try Parameters(layout)) }
        self.partialSums = partialSums
        losses = try AlignedBuffer(count: slices, for: "a minibatch's losses")
        var layers: [LayerWeights] = []
        for index in 0..<shape.layers {
            layers.append(
                try LayerWeights(
                    parameters.layer(index), cell: shape.cell, width: layout.width, index: index,
                    drops: dropout.weights > 0))
        }
        self.layers = layers
        self.dropout = dropout
        output = try PackedWeights(parameters.outputWeights, rows: layout.outputWidth, columns: layout.width)
        sample =
            dropout.drawnSymbols > 0 ? try SymbolSample(drawn: dropout.drawnSymbols, layout) : nil
        self.resetSymbol = resetSymbol
        self.labelColumns = labelColumns
        activations = try Activations(
            layout, RowPlaces(), threads: threads, Activations.Options(resetSymbol: resetSymbol, dropout: dropout),
            backend, kernels)
    }

    var shape: ModelShape { layout.shape }

    /// The mean cross-entropy of a minibatch, in nats a symbol.
    ///
    /// - Parameter state: Where every row starts from, replaced by where it ends; zeros if nil.
    func loss(
        _ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?, noise: Noise? = nil
    ) throws(ChargenError) -> Double {
        try take(Pass(minibatch, of: corpus, state: state, .loss, noise: noise))
    }

    /// The mean cross-entropy of a minibatch, in nats a symbol; its gradients are left in
    /// ``gradients``.
    ///
    /// - Parameter noise: The random numbers that decide what is dropped; nil to drop nothing.
    func gradient(
        _ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?, noise: Noise? = nil
    ) throws(ChargenError) -> Double {
        try take(Pass(minibatch, of: corpus, state: state, .gradient, noise: noise))
    }

    /// The logits after every symbol of a minibatch's rows, [row][step][symbol].
    func logits(_ minibatch: Minibatch, of corpus: Corpus) throws(ChargenError) -> [[[Float]]] {
        _ = try take(Pass(minibatch, of: corpus, state: nil, .logits))
        return (0..<minibatch.rows.count).map { row in
            (0..<minibatch.time).map { Array(activations.output.logits(row: row, step: $0)) }
        }
    }

    // MARK: - Phases

    /// Takes a minibatch through the network: forward, and backward for its gradient.
    ///
    /// - Returns: The mean cross-entropy, in nats a symbol; with several ranks, on the first.
    func take(_ pass: Pass) throws(ChargenError) -> Double {
        let places = places(of: pass, rank: ranks?.rank ?? 0)
        if !activations.fit(places) {
            let larger = activations.places.enclosing(places)
            activations = try Activations(
                layout, larger, threads: pool.size,
                Activations.Options(resetSymbol: resetSymbol, dropout: dropout, starts: try starts(larger)), backend,
                kernels)
            _ = activations.fit(places)
        }
        if let sample, let text = pass.text { try sample.note(text.minibatch, of: text.corpus) }
        if let ranks { try exchangeSymbols(of: pass, ranks) }
        chooseSymbols(pass.noise)
        distribute(.packing(pass.noise), chunks: packingChunks)
        activations.isDropping = pass.noise != nil && dropout.states > 0
        division.divide(rows: places.rows, slices: places.slices.count)
        // One chunk per worker: with fewer rows at once the weights would be read more often.
        distribute(.rows(pass), chunks: pool.size)
        if pass.purpose == .gradient { sumGradients(pass) }
        return pass.purpose == .logits ? 0 : totalLoss() / Double(pass.predictions)
    }

    /// Has the output layer take all symbols or, if some are to be drawn, those.
    private func chooseSymbols(_ noise: Noise?) {
        activations.output.sample = nil
        output.replace(by: parameters.outputWeights, rows: layout.outputWidth)
        guard let sample, let random = noise.flatMap({ dropout.symbols($0) }),
            sample.draw(random, bias: parameters.outputBias)
        else { return }
        activations.output.sample = sample
        output.replace(by: sample.rows.pointer, rows: sample.count)
    }

    /// The places of a pass' rows.
    private func places(of pass: Pass, rank: Int) -> RowPlaces {
        RowPlaces(
            slices: RowPlaces.rows(ofSlice: rank, of: ranks?.size ?? 1, rows: slices), totalSlices: slices,
            sliceRows: divideRoundingUp(pass.rowCount, by: slices), time: pass.time)
    }

    /// Room for where documents begin; nil without labels.
    private func starts(_ places: RowPlaces) throws(ChargenError) -> LabelStarts? {
        guard shape.labelCount > 0 else { return nil }
        return try LabelStarts(parameters, columnCount: labelColumns, places: places.count)
    }

    /// Leaves the gradients after the backward pass of the layers of the first wave.
    private func sumGradients(_ pass: Pass) {
        for (index, wave) in shards.waves.enumerated() {
            if index > 0, !wave.layers.isEmpty {
                distribute(.backward(pass, layers: wave.layers), chunks: pool.size)
            }
            if let gradientSum {
                for (node, sum) in zip(gradientSum.ownNodes, gradientSum.sums) {
                    sumGradients(wave, node, pass.noise, into: sum)
                }
                gradientSum.exchange(wave: index)
            } else {
                sumGradients(wave, 0..<slices, pass.noise, into: gradients)
            }
        }
        gradientSum?.complete(pool)
    }

    /// Leaves the sum of some slices' gradients of a wave.
    private func sumGradients(
        _ wave: Shards.Wave, _ slices: Range<Int>, _ noise: Noise?, into sum: Parameters, level: Int = 0
    ) {
        guard slices.count > 1 else {
            let slice = slices.lowerBound - activations.places.slices.lowerBound
            return distribute(.gradients(wave, slice: slice, sum, noise), chunks: gradientChunks(wave))
        }
        let (first, second) = SliceTree.halves(slices)
        sumGradients(wave, first, noise, into: sum, level: level + 1)
        sumGradients(wave, second, noise, into: partialSums[level], level: level + 1)
        distribute(.addition(partialSums[level], to: sum, wave.range), chunks: 4 * pool.size)
    }

    /// The sum of the cross-entropies of a minibatch, in nats; with several ranks, on the first.
    private func totalLoss() -> Double {
        let places = activations.places
        for slice in 0..<places.slices.count {
            losses.pointer[places.slices.lowerBound + slice] = activations.output.totalLoss(slice: slice)
        }
        if let ranks {
            ranks.gather(losses.pointer, ranks.slices(of: slices).map { [$0] })
        }
        return SliceTree.sum(losses.pointer, 0..<slices)
    }

    private func distribute(_ task: Task, chunks: Int) {
        self.task = task
        pool.perform(self, chunks: chunks)
    }

    override func perform(chunk: Int, worker: Int) {
        let scratch = activations.scratch[worker].pointer
        switch task {
        case .packing(let noise): pack(chunk: chunk, noise)
        case .rows(let pass): take(pass, chunk: chunk, worker: worker, scratch)
        case .backward(let pass, let layers):
            backward(pass, layers, division[chunk], worker: worker, scratch)
        case .gradients(let wave, let slice, let gradients, let noise):
            setGradients(wave, chunk: chunk, slice: slice, gradients, noise, scratch)
        case .addition(let source, let target, let range):
            let lines = range.count / laneCount
            let (start, end) = (chunk * lines / (4 * pool.size), (chunk + 1) * lines / (4 * pool.size))
            let first = range.lowerBound + start * laneCount
            kernels.add(source.pointer + first, target.pointer + first, (end - start) * laneCount)
        }
        if worker == 0 { ranks?.advance() }
    }

    /// The chunks of all matrices as one list: those of the layers, then those of the output.
    private var packingChunks: Int { layers.reduce(output.chunks) { $0 + $1.chunks } }

    /// Packs a chunk of the parameters as they are now.
    private func pack(chunk: Int, _ noise: Noise?) {
        var chunk = chunk
        for layer in layers {
            if chunk < layer.chunks { return layer.pack(chunk: chunk, mask(of: layer, noise), kernels) }
            chunk -= layer.chunks
        }
        activations.output.sample?.copyRows(output.rows(ofChunk: chunk), of: parameters.outputWeights)
        output.pack(chunk: chunk, nil, kernels)
    }

    /// What is dropped of a layer's hidden weights; nil for nothing.
    private func mask(of layer: LayerWeights, _ noise: Noise?) -> DropMask? {
        noise.flatMap { dropout.weights($0, layer: layer.index) }
    }

    /// Takes a worker's rows of a minibatch forward, and backward as far as the first wave needs.
    private func take(_ pass: Pass, chunk: Int, worker: Int, _ scratch: UnsafeMutablePointer<Float>) {
        let rows = division[chunk]
        guard !rows.isEmpty else { return }
        let start = ContinuousClock.now
        for row in rows {
            if let text = pass.text {
                activations.symbols.gather(
                    text.minibatch, from: text.corpus, row: row, activations.places,
                    dropped: pass.noise.flatMap { dropout.labels($0) })
            }
            activations.load(pass.state, row: row, of: pass.rowCount)
        }
        for (index, layer) in activations.layers.enumerated() {
            layer.forward(layers[index], input: activations.input(of: index), rows: rows, scratch: scratch)
            layer.drop(rows, pass.noise.flatMap { dropout.states($0, layer: index) })
        }
        if let state = pass.state {
            for row in rows { activations.store(in: state, row: row, of: pass.rowCount) }
        }
        switch pass.purpose {
        case .logits:
            activations.output.forward(
                output, bias: parameters.outputBias, hidden: activations.lastHidden, rows: rows,
                steps: 0..<pass.time, scratch: scratch)
        case .loss: loss(pass, rows, hiddenGradient: nil, scratch)
        case .gradient:
            loss(pass, rows, hiddenGradient: activations.gradients(of: layers.count - 1).output.pointer, scratch)
            backward(pass, shards.waves[0].layers, rows, worker: worker, scratch)
        }
        division.note(chunk, took: .now - start)
    }

    /// Notes some rows' losses; with memory for it, leaves the gradient of the last hidden states
    /// too.
    private func loss(
        _ pass: Pass, _ rows: Range<Int>, hiddenGradient: UnsafeMutablePointer<Float>?,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let layer = activations.output
        let bias = layer.sample?.bias.pointer ?? parameters.outputBias
        let length = RecurrentLayer.steps(of: rows)
        for start in stride(from: 0, to: pass.time, by: length) {
            let steps = start..<min(start + length, pass.time)
            layer.forward(
                output, bias: bias, hidden: activations.lastHidden, rows: rows, steps: steps,
                scratch: scratch)
            layer.loss(
                targets: activations.symbols.targets.pointer, scale: 1 / Float(pass.predictions), rows: rows,
                steps: steps)
            if let hiddenGradient {
                layer.backward(output, hiddenGradient: hiddenGradient, rows: rows, steps: steps, scratch: scratch)
            }
        }
    }

    /// The backward pass of some rows through some layers.
    private func backward(
        _ pass: Pass, _ range: Range<Int>, _ rows: Range<Int>, worker: Int, _ scratch: UnsafeMutablePointer<Float>
    ) {
        guard !rows.isEmpty else { return }
        // What the other ranks need of the layers above is sent meanwhile.
        let ranks = worker == 0 ? ranks : nil
        for index in range.reversed() {
            let gradients = activations.gradients(of: index)
            activations.layers[index].backward(
                layers[index], rows: rows,
                RecurrentLayer.Gradients(
                    hidden: gradients.output.pointer, input: index > 0 ? gradients.input.pointer : nil,
                    mask: pass.noise.flatMap { dropout.states($0, layer: index) }),
                scratch: scratch
            ) { ranks?.advance() }
        }
    }

    /// The columns of a chunk of the gradients: an even share of a block of preactivations, at most
    /// as many as the products take, and so few that there is a chunk for each worker.
    private var chunkSize: Int {
        let blocks = shape.cell.gates.blockCount
        let chunks = max(
            divideRoundingUp(layout.width, by: transposedProductRows), divideRoundingUp(pool.size, by: blocks))
        return padded(divideRoundingUp(layout.width, by: chunks))
    }

    /// The chunks of a wave's gradients: those of its layers interleaved, so that each worker's are
    /// a mixture, then those of the output, then a chunk of each layer's part of labels' states.
    private func gradientChunks(_ wave: Shards.Wave) -> Int {
        activations.layers[0].gradientChunks(size: chunkSize) * wave.layers.count
            + (wave.hasOutput ? activations.output.gradientChunks(size: chunkSize) : 0)
            + (wave.hasLabels ? layers.count : 0)
    }

    /// Leaves a chunk of a slice's gradients of the parameters.
    private func setGradients(
        _ wave: Shards.Wave, chunk: Int, slice: Int, _ gradients: Parameters, _ noise: Noise?,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let size = chunkSize
        let layerChunks = activations.layers[0].gradientChunks(size: size) * wave.layers.count
        let outputChunks = wave.hasOutput ? activations.output.gradientChunks(size: size) : 0
        guard chunk < layerChunks + outputChunks else {
            return activations.layers[chunk - layerChunks - outputChunks].setLabelGradients(gradients, slice: slice)
        }
        guard chunk < layerChunks else {
            return activations.output.setGradients(
                chunk: chunk - layerChunks, size: size, gradients, hidden: activations.lastHidden, slice: slice,
                scratch: scratch)
        }
        let index = wave.layers.lowerBound + chunk % wave.layers.count
        activations.layers[index].setGradients(
            chunk: chunk / wave.layers.count, size: size, gradients.layer(index), input: activations.input(of: index),
            slice: slice, mask: mask(of: layers[index], noise), scratch: scratch)
    }

    // MARK: - Ranks

    /// Sends the other ranks the symbols of their rows and has them take these, or receives this
    /// rank's.
    private func exchangeSymbols(of pass: Pass, _ ranks: Ranks) throws(ChargenError) {
        guard let text = pass.text else {
            sample.map { ranks.broadcast($0.targetBytes) }
            activations.symbols.forEachBuffer(places: activations.places.count) { ranks.receive($0, from: 0) }
            return ranks.complete()
        }
        for rank in 1..<ranks.size {
            let places = places(of: pass, rank: rank)
            guard sentSymbols.count < rank || sentSymbols[rank - 1].capacity < places.count else { continue }
            let symbols = try MinibatchSymbols(
                places: places.count, resetSymbol: resetSymbol.map { Int32($0) }, starts(places))
            sentSymbols.replaceSubrange(rank - 1..<min(rank, sentSymbols.count), with: [symbols])
        }
        // Nothing fails from here on, where the others wait for what comes next.
        ranks.lead(.pass(pass.command))
        sample.map { ranks.broadcast($0.targetBytes) }
        for rank in 1..<ranks.size {
            let places = places(of: pass, rank: rank)
            let symbols = sentSymbols[rank - 1]
            for row in 0..<places.rows {
                symbols.gather(
                    text.minibatch, from: text.corpus, row: row, places,
                    dropped: pass.noise.flatMap { dropout.labels($0) })
            }
            symbols.forEachBuffer(places: places.count) { ranks.send($0, to: rank) }
        }
        ranks.complete()
    }

    /// Makes the leading rank's state that of all.
    func share(_ state: RecurrentState) {
        ranks?.broadcast(state.hidden.bytes(state.hidden.count))
        ranks?.broadcast(state.cells.bytes(state.cells.count))
    }

    /// Collects a state of which each rank has its rows.
    func gather(_ state: RecurrentState) {
        guard let ranks else { return }
        let (layers, width) = (shape.layers, layout.width)
        let parts = ranks.slices(of: slices).map { slices in
            func rows(_ slice: Int) -> Range<Int> {
                RowPlaces.rows(ofSlice: slice, of: self.slices, rows: state.rows)
            }
            let own = rows(slices.lowerBound).lowerBound..<rows(slices.upperBound - 1).upperBound
            return (0..<layers).map { layer in
                (layer * state.rows + own.lowerBound) * width..<(layer * state.rows + own.upperBound) * width
            }
        }
        ranks.gather(state.hidden.pointer, parts)
        if state.cells.count > 0 { ranks.gather(state.cells.pointer, parts) }
    }
}
