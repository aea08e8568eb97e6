/**
 * The slice as a height field: its heights are a float texture, and displacement, normals, contour lines and hatching are the
 * shader's, so that a morph between two slices costs the page one number a frame. Lightness only, so that paths are the loud
 * thing. Points that are not finite are holes; what the scale cuts off is hatched.
 */
import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DataTexture,
  FloatType,
  Mesh,
  NearestFilter,
  RedFormat,
  ShaderMaterial,
  Vector3,
} from "three";
import type { Theme } from "../style.ts";
import { SURFACE } from "../style.ts";
import { sample } from "./heights.ts";

/** The scene's box: x and depth of the plane, height of the loss. */
export const BOX = { width: 2.4, depth: 1.9, height: 0.85 } as const;
/** What stands in the texture for a hole: not every processor hands NaN through. */
const HOLE = -1;

const VERTEX = /* glsl */ `
  uniform highp sampler2D before;
  uniform highp sampler2D target;
  uniform float t;
  uniform int n;
  varying float vLevel;
  varying float vHole;
  varying vec3 vNormal;
  varying vec2 vPlane;

  float level(ivec2 at) {
    at = clamp(at, ivec2(0), ivec2(n - 1));
    float a = texelFetch(before, at, 0).r, b = texelFetch(target, at, 0).r;
    return a < 0.0 || b < 0.0 ? b : mix(a, b, t);
  }

  void main() {
    ivec2 at = ivec2(position.xy);
    float h = level(at);
    vHole = h < 0.0 ? 1.0 : 0.0;
    vLevel = h < 0.0 ? 1.0 : h;
    // Central differences of what is drawn; at the edges and beside holes one-sided.
    vec4 around = vec4(level(at + ivec2(-1, 0)), level(at + ivec2(1, 0)), level(at + ivec2(0, -1)), level(at + ivec2(0, 1)));
    around = ${BOX.height} * mix(min(around, 1.0), vec4(min(vLevel, 1.0)), vec4(lessThan(around, vec4(0.0))));
    float s = float(n - 1);
    bvec4 edge = bvec4(at.x == 0, at.x == n - 1, at.y == 0, at.y == n - 1);
    float dx = (around.y - around.x) * s / (${BOX.width} * (edge.x || edge.y ? 1.0 : 2.0));
    float dz = (around.z - around.w) * s / (${BOX.depth} * (edge.z || edge.w ? 1.0 : 2.0));
    vNormal = normalize(vec3(-dx, 1.0, -dz));
    vPlane = vec2((position.x / s - 0.5) * ${BOX.width}, (0.5 - position.y / s) * ${BOX.depth});
    gl_Position = projectionMatrix * modelViewMatrix * vec4(vPlane.x, min(vLevel, 1.0) * ${BOX.height}, vPlane.y, 1.0);
  }`;

const FRAGMENT = /* glsl */ `
  uniform vec3 low;
  uniform vec3 high;
  uniform vec3 ink;
  uniform float offset;
  uniform float frequency;
  uniform vec3 light;
  varying float vLevel;
  varying float vHole;
  varying vec3 vNormal;
  varying vec2 vPlane;

  float lines(float level, float wide) {
    float width = max(fwidth(level), 1e-5);
    float line = 1.0 - smoothstep(0.3 * wide, wide, abs(fract(level + 0.5) - 0.5) / width);
    return line * (1.0 - smoothstep(0.25, 0.6, width));
  }

  void main() {
    if (vHole > 0.001) discard;
    vec3 n = normalize(gl_FrontFacing ? vNormal : -vNormal);
    float shade = 0.84 + 0.18 * dot(n, light);
    vec3 tone = mix(low, high, min(vLevel, 1.0)) * shade;
    float level = offset + frequency * vLevel;
    // Every fifth line is a little stronger, as on a map.
    float line = max(0.34 * lines(level, 1.0), 0.55 * lines(level / 5.0, 1.25));
    float cut = step(1.0005, vLevel);
    float hatch = cut * step(0.5, fract((vPlane.x + vPlane.y) * 24.0));
    float rim = 1.0 - smoothstep(0.6, 1.4, abs(vLevel - 1.0005) / max(fwidth(vLevel), 1e-5));
    tone = mix(tone, ink, max(max(line * (1.0 - cut), hatch * 0.25), 0.6 * rim * step(0.9, vLevel)));
    gl_FragColor = vec4(tone, 1.0);
    #include <colorspace_fragment>
  }`;

const INK: Readonly<Record<Theme, string>> = { dark: "#8fa0b5", light: "#66778a" };

export class Surface {
  readonly mesh: Mesh;
  n = 0;
  private t = 1;
  /** Levels, row by row, NaN in holes: 0…1 on the scale, beyond where it is cut off. */
  private before = new Float32Array(0);
  private target = new Float32Array(0);
  private readonly material = new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    side: 2,
    polygonOffset: true,
    polygonOffsetFactor: 2,
    polygonOffsetUnits: 2,
    uniforms: {
      before: { value: null },
      target: { value: null },
      t: { value: 1 },
      n: { value: 0 },
      low: { value: new Color() },
      high: { value: new Color() },
      ink: { value: new Color() },
      offset: { value: 0 },
      frequency: { value: 1 },
      light: { value: new Vector3(-0.45, 0.8, 0.35).normalize() },
    },
  });

  constructor() {
    this.mesh = new Mesh(new BufferGeometry(), this.material);
    this.mesh.frustumCulled = false;
    this.mesh.visible = false;
  }

  setTheme(theme: Theme): void {
    const uniforms = this.material.uniforms;
    uniforms["low"]!.value.set(SURFACE[theme][theme === "dark" ? 0 : 1]);
    uniforms["high"]!.value.set(SURFACE[theme][theme === "dark" ? 1 : 0]);
    uniforms["ink"]!.value.set(INK[theme]);
  }

  setContours(offset: number, frequency: number): void {
    this.material.uniforms["offset"]!.value = offset;
    this.material.uniforms["frequency"]!.value = frequency;
  }

  /** New levels, n × n. What is drawn now is kept as the beginning of the morph. */
  setTarget(target: Float32Array<ArrayBuffer>, n: number): void {
    const before = new Float32Array(n * n);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const old = this.levelAt(i / (n - 1), j / (n - 1));
        before[j * n + i] = Number.isNaN(old) ? target[j * n + i]! : old;
      }
    }
    if (n !== this.n) this.build(n);
    this.before = before;
    this.target = target;
    this.upload("before", before);
    this.upload("target", target);
    this.morph(0);
    this.mesh.visible = true;
  }

  /** Draws the morph at `t` from 0 to 1. */
  morph(t: number): void {
    this.t = this.material.uniforms["t"]!.value = t;
  }

  /** Level as it is drawn now, `u` and `v` in 0…1; NaN beside holes. */
  levelAt(u: number, v: number): number {
    const { n, t } = this;
    if (n === 0) return NaN;
    const goal = sample(this.target, n, u, v);
    if (t >= 1) return goal;
    const old = sample(this.before, n, u, v);
    return Number.isNaN(old) ? goal : old + (goal - old) * t;
  }

  forget(): void {
    this.n = 0;
    this.mesh.visible = false;
  }

  private upload(name: "before" | "target", levels: Float32Array): void {
    const { n, material } = this;
    const old = material.uniforms[name]!.value as DataTexture | null;
    let texture = old;
    if (texture === null || texture.image.width !== n) {
      old?.dispose();
      texture = new DataTexture(new Float32Array(n * n), n, n, RedFormat, FloatType);
      texture.minFilter = texture.magFilter = NearestFilter; // a float texture cannot be filtered everywhere
      material.uniforms[name]!.value = texture;
    }
    const data = texture.image.data as Float32Array;
    for (let k = 0; k < data.length; k++) data[k] = Number.isNaN(levels[k]!) ? HOLE : levels[k]!;
    texture.needsUpdate = true;
  }

  /** A flat net whose vertices say which texel is theirs. */
  private build(n: number): void {
    this.mesh.geometry.dispose();
    const geometry = new BufferGeometry();
    const position = new Float32Array(3 * n * n);
    for (let k = 0; k < n * n; k++) {
      position[3 * k] = k % n;
      position[3 * k + 1] = Math.floor(k / n);
    }
    const index = new Uint32Array(6 * (n - 1) * (n - 1));
    let k = 0;
    for (let j = 0; j + 1 < n; j++) {
      for (let i = 0; i + 1 < n; i++) {
        const a = j * n + i,
          b = a + 1,
          c = a + n,
          d = c + 1;
        index[k++] = a;
        index[k++] = b;
        index[k++] = d;
        index[k++] = a;
        index[k++] = d;
        index[k++] = c;
      }
    }
    geometry.setAttribute("position", new BufferAttribute(position, 3));
    geometry.setIndex(new BufferAttribute(index, 1));
    this.mesh.geometry = geometry;
    this.n = this.material.uniforms["n"]!.value = n;
  }
}
