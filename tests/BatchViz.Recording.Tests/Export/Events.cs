using Google.Protobuf;

namespace BatchViz.Recording.Tests.Export;

/// <summary>
/// tensorflow.Event, read by Google's protobuf after tensorflow/core/util/event.proto and framework/summary.proto: Event { double
/// wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }, Summary { repeated Value value = 1; }, Value { string
/// tag = 1; float simple_value = 2; }. Any other field, or a field of another wire type, is an error.
/// </summary>
internal sealed record Event(double WallTime, long Step, string? FileVersion, IReadOnlyList<(string Tag, float Value)> Values)
{
    public static Event Parse(byte[] message)
    {
        double wallTime = 0;
        long step = 0;
        string? version = null;
        var values = new List<(string, float)>();
        var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0; )
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.Fixed64):
                    wallTime = input.ReadDouble();
                    break;
                case (2, WireFormat.WireType.Varint):
                    step = input.ReadInt64();
                    break;
                case (3, WireFormat.WireType.LengthDelimited):
                    version = input.ReadString();
                    break;
                case (5, WireFormat.WireType.LengthDelimited):
                    values.AddRange(Summary(input.ReadBytes()));
                    break;
                default:
                    throw Unknown("Event", tag);
            }
        }
        Assert.True(input.IsAtEnd);
        return new Event(wallTime, step, version, values);
    }

    private static IEnumerable<(string, float)> Summary(ByteString message)
    {
        var input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0; )
        {
            if (tag != WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited))
                throw Unknown("Summary", tag);
            yield return Value(input.ReadBytes());
        }
        Assert.True(input.IsAtEnd);
    }

    private static (string, float) Value(ByteString message)
    {
        string? name = null;
        float? number = null;
        var input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0; )
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.LengthDelimited) when name is null:
                    name = input.ReadString();
                    break;
                case (2, WireFormat.WireType.Fixed32) when number is null:
                    number = input.ReadFloat();
                    break;
                default:
                    throw Unknown("Summary.Value", tag);
            }
        }
        Assert.True(input.IsAtEnd);
        Assert.NotNull(name);
        Assert.NotNull(number);
        return (name, number.Value);
    }

    private static InvalidDataException Unknown(string message, uint tag) =>
        new(
            $"{message} has field {WireFormat.GetTagFieldNumber(tag)} of type {WireFormat.GetTagWireType(tag)}, which is none of those that are written, or one twice."
        );
}
