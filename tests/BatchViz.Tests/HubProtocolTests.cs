using System.Buffers;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace BatchViz.Tests;

/// <summary>Both of the hubs' protocols on the running program: MessagePack, which pages use, and JSON, which a person can read.</summary>
public class HubProtocolTests(RunningHost host) : IClassFixture<RunningHost>
{
    private const uint FrameMagic = 0x31465642;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Frames_arrive_as_the_encoder_wrote_them(bool json)
    {
        await using var hub = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", json: json);
        var magics = new List<uint>();

        await hub.Stream(
            "Watch",
            frame =>
            {
                magics.Add(BitConverter.ToUInt32(frame));
                return magics.Count == 3;
            }
        );

        Assert.All(magics, magic => Assert.Equal(FrameMagic, magic));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(2048)]
    [InlineData(8192)]
    public void A_frame_takes_at_least_a_quarter_less_on_the_wire_than_as_base64(int length)
    {
        var frame = new byte[length];
        new Random(1).NextBytes(frame);
        var message = new StreamItemMessage("0", frame);
        var protocols = host.App.Services.GetServices<IHubProtocol>().ToDictionary(protocol => protocol.Name);

        long packed = Length(protocols["messagepack"], message),
            text = Length(protocols["json"], message);

        Assert.InRange(packed, length, length + 16);
        Assert.True(packed <= 0.75 * text, $"{packed:#,0} bytes beside {text:#,0}");
    }

    private static long Length(IHubProtocol protocol, HubMessage message)
    {
        var written = new ArrayBufferWriter<byte>();
        protocol.WriteMessage(message, written);
        return written.WrittenCount;
    }
}
