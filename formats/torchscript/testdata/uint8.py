class Network(Module):
  __parameters__ = ["gr__e_1_weight", "gr__e_1_bias", "gr__e_1_weight_2", "layer_7x7_weight", "layer_7x7_bias", "a_b_c_weight", "a_b_c_bias", "valid_weight", "return_weight", "x______weight", "x______bias", ]
  __buffers__ = ["pixel_mean", "pixel_std", "a_b_c_running_mean", "a_b_c_running_var", ]
  training : bool
  _is_full_backward_hook : Optional[bool]
  pixel_mean : Tensor
  pixel_std : Tensor
  gr__e_1_weight : Tensor
  gr__e_1_bias : Tensor
  gr__e_1_weight_2 : Tensor
  layer_7x7_weight : Tensor
  layer_7x7_bias : Tensor
  a_b_c_weight : Tensor
  a_b_c_bias : Tensor
  a_b_c_running_mean : Tensor
  a_b_c_running_var : Tensor
  valid_weight : Tensor
  return_weight : Tensor
  x______weight : Tensor
  x______bias : Tensor
  def forward(self: __torch__.Network,
    input: Tensor) -> Tensor:
    pixels_out = torch.div(torch.sub(torch.to(torch.permute(input, [0, 3, 1, 2]), self.pixel_mean), self.pixel_mean), self.pixel_std)
    gr__e_1_pad = torch.constant_pad_nd(pixels_out, [0, 1, 1, 1], 0.)
    gr__e_1_out = torch.hardtanh(torch.conv2d(gr__e_1_pad, self.gr__e_1_weight, self.gr__e_1_bias, [2, 2], [0, 0], [1, 1], 1), 0., 6.)
    gr__e_1_out_2 = torch.conv2d(gr__e_1_out, self.gr__e_1_weight_2, None, [1, 1], [1, 1], [1, 1], 4)
    layer_7x7_pad = torch.constant_pad_nd(gr__e_1_out_2, [0, 1, 0, 1], 0.)
    layer_7x7_out = torch.conv2d(layer_7x7_pad, self.layer_7x7_weight, self.layer_7x7_bias, [1, 1], [0, 0], [1, 1], 2)
    self_pad = torch.constant_pad_nd(layer_7x7_out, [0, 1, 0, 1], -inf)
    self_out = torch.max_pool2d(self_pad, [2, 2], [1, 1], [0, 0])
    out = torch.relu(torch.add(self_out, gr__e_1_out_2))
    a_b_c_out = torch.batch_norm(out, self.a_b_c_weight, self.a_b_c_bias, self.a_b_c_running_mean, self.a_b_c_running_var, False, 0.1, 1e-03, True)
    a_b_c_out_2 = torch.hardtanh(torch.max_pool2d(a_b_c_out, [3, 3], [1, 1], [1, 1]), 0., 6.)
    valid_out = torch.conv2d(a_b_c_out_2, self.valid_weight, None, [1, 1], [0, 0], [1, 1], 1)
    flatten_out = torch.flatten(valid_out, 1)
    return_out = torch.linear(flatten_out, self.return_weight, None)
    act_out = torch.relu(return_out)
    x______out = torch.linear(act_out, self.x______weight, self.x______bias)
    return x______out
