using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Serialization;

namespace BatchViz.Recording.Export;

/// <summary>
/// A file of named arrays: 8 bytes with the header's length, a JSON header padded with spaces to a multiple of 8, then the arrays,
/// little-endian, one after the other (https://github.com/huggingface/safetensors, "Format").
/// </summary>
internal sealed class SafetensorsFile
{
    private readonly List<Tensor> tensors = [];

    private sealed record Tensor(string Name, string Type, long[] Shape, long Bytes, Action<Stream> Write);

    /// <summary>Adds an array that is written from where it is.</summary>
    public void Add(string name, long[] shape, ReadOnlyMemory<float> values) =>
        Add(name, "F32", sizeof(float), shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>Adds an array whose bytes are made while the file is written.</summary>
    /// <param name="type">"F32", "I32", "I64", …</param>
    /// <param name="size">Bytes of an element.</param>
    public void Add(string name, string type, int size, long[] shape, Action<Stream> write) =>
        tensors.Add(new(name, type, shape, shape.Aggregate((long)size, (a, b) => checked(a * b)), write));

    /// <param name="metadata">Text by name.</param>
    public void Write(Stream stream, IReadOnlyDictionary<string, string> metadata)
    {
        byte[] header = Header(metadata);
        stream.Write(BitConverter.GetBytes((long)header.Length));
        stream.Write(header);
        foreach (var tensor in tensors)
            tensor.Write(stream);
    }

    private byte[] Header(IReadOnlyDictionary<string, string> metadata)
    {
        var entries = new Dictionary<string, object> { ["__metadata__"] = metadata };
        long offset = 0;
        foreach (var tensor in tensors)
            entries.Add(tensor.Name, new TensorHeader(tensor.Type, tensor.Shape, [offset, offset += tensor.Bytes]));
        byte[] json = RecordingJson.Write<IReadOnlyDictionary<string, object>>(entries);
        return [.. json, .. Encoding.UTF8.GetBytes(new string(' ', -json.Length & 7))];
    }
}

/// <summary>An array in the header of a safetensors file.</summary>
/// <param name="Offsets">Where it begins and ends behind the header, in bytes.</param>
internal sealed record TensorHeader(string Dtype, long[] Shape, [property: JsonPropertyName("data_offsets")] long[] Offsets);
