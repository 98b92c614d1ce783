import Core

/// Memory for one tensor at a time, large enough for the largest of a source.
///
/// ``ModelFile/readTensor(_:into:)`` fills its beginning with a tensor's elements, without gaps
/// between rows. The memory after them, and the arrays that the tensor's type does not use, keep
/// values of other tensors.
public final class TensorBuffer {
    /// Elements of the types float32 and bfloat16, the latter exactly widened.
    public let floats: AlignedBuffer<Float>
    /// Elements of the types int8 and int4 before multiplication by their scales: -127...127 or
    /// -8...7.
    public let integers: AlignedBuffer<Int8>
    /// For int8 a scale per row; for int4 a scale per group of ``scaleGroupSize`` columns, row
    /// after row.
    public let scales: AlignedBuffer<Float>
    /// A tensor's bytes before their planes are joined.
    let payload: AlignedBuffer<UInt8>
    let decoder: ZstandardDecoder

    /// Memory for the tensors of a source.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(for source: some TensorSource) throws(ChargenError) {
        var (floats, integers, scales, payload) = (0, 0, 0, 0)
        for index in 0..<source.shape.tensorCount {
            let tensor = source.shape.tensor(index)
            let type = source.elementType(index)
            switch type {
            case .float32, .bfloat16: floats = max(floats, tensor.count)
            case .int8, .int4: integers = max(integers, tensor.count)
            }
            scales = max(scales, type.scaleCount(of: tensor))
            payload = max(payload, type.payloadLength(of: tensor))
        }
        let floatBuffer = try AlignedBuffer<Float>(count: floats, for: "loading the model")
        let integerBuffer = try AlignedBuffer<Int8>(count: integers, for: "loading the model")
        let scaleBuffer = try AlignedBuffer<Float>(count: scales, for: "loading the model")
        let payloadBuffer = try AlignedBuffer<UInt8>(count: payload, for: "loading the model")
        self.init(
            floats: floatBuffer, integers: integerBuffer, scales: scaleBuffer, payload: payloadBuffer,
            decoder: try ZstandardDecoder())
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        floats: AlignedBuffer<Float>, integers: AlignedBuffer<Int8>, scales: AlignedBuffer<Float>,
        payload: AlignedBuffer<UInt8>, decoder: ZstandardDecoder
    ) {
        self.floats = floats
        self.integers = integers
        self.scales = scales
        self.payload = payload
        self.decoder = decoder
    }
}
